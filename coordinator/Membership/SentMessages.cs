using Orchestrator.Protos;
using Body = Orchestrator.Protos.CoordinatorMessage.BodyOneofCase;

namespace Orchestrator.Coordinator.Membership;

/// <summary>What one life of a worker was told and may have missed when its stream breaks.</summary>
/// <remarks>
/// Owned by the directory. Every message is idempotent on what it names, so after a reconnect all of it is sent again, in order. Bounded: of a job
/// the newest message of a kind stays (three windows, for the next one opens while the current one runs), and of released jobs the newest releases.
/// </remarks>
internal sealed class SentMessages
{
    private const int OpenWindows = 3;
    private const int OpenScores = 64;
    private const int OpenAnswers = 64;
    private const int KeptReleases = 64;
    private readonly List<(string Job, CoordinatorMessage Message)> _sent = [];

    public IReadOnlyList<CoordinatorMessage> All => [.. _sent.Select(item => item.Message)];

    public void Add(CoordinatorMessage message)
    {
        // What comes late of a coordinator that another one has taken over from is refused by the worker: it must not take the place of what the newer one said.
        if (message.JobScope is not { Job: var job } scope || _sent.Exists(item => item.Job == job && item.Message.JobScope!.Fence > scope.Fence))
        {
            return;
        }

        // What was said of an older generation is void, and so is all that was said of a job that has ended.
        if (message.BodyCase is Body.Release or Body.Join)
        {
            _sent.RemoveAll(item => item.Job == job);
        }

        // A worker that serves a job again must not be told of its release behind that.
        if (message.BodyCase is Body.LoadStage)
        {
            _sent.RemoveAll(item => item.Job == job && item.Message.BodyCase == Body.Release);
        }

        _sent.Add((job, message));
        switch (message.BodyCase)
        {
            case Body.Release: Keep(KeptReleases, item => item.Message.BodyCase == Body.Release); break;
            case Body.Window: Keep(OpenWindows, item => item.Job == job && item.Message.BodyCase == Body.Window); break;
            case Body.Score: Keep(OpenScores, item => item.Job == job && item.Message.BodyCase == Body.Score); break;
            case Body.Generate or Body.StopGenerating: Keep(OpenAnswers, item => item.Job == job && item.Message.BodyCase == message.BodyCase); break;
            default: Keep(1, item => item.Job == job && item.Message.BodyCase == message.BodyCase); break;
        }
    }

    private void Keep(int newest, Predicate<(string Job, CoordinatorMessage Message)> ofKind)
    {
        var surplus = _sent.Count(item => ofKind(item)) - newest;
        _sent.RemoveAll(item => ofKind(item) && surplus-- > 0);
    }
}
