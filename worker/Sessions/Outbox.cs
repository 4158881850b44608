using System.Collections.Immutable;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>What this worker has to tell coordinators: kept until it can no longer be asked for, sent again over every new stream.</summary>
/// <remarks>
/// Thread-safe. Messages are idempotent on what they name, so a coordinator that takes over may hear all of it. Bounded: step and evaluation reports
/// of the newest windows, the newest answers, the newest of everything else, nothing of a released job but its failure.
/// </remarks>
internal sealed class Outbox
{
    private const int KeptScores = 64;
    private const ulong KeptAnswers = 64;

    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<long, WorkerMessage> _messages = ImmutableSortedDictionary<long, WorkerMessage>.Empty;
    private TaskCompletionSource _posted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last;

    public void Post(WorkerMessage message)
    {
        TaskCompletionSource posted;
        lock (_gate)
        {
            Supersede(message);
            _messages = _messages.Add(++_last, message);
            posted = _posted;
            _posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        posted.TrySetResult();
    }

    /// <summary>The first message after a position; waits for one.</summary>
    public async Task<(long Position, WorkerMessage Message)> NextAsync(long after, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task posted;
            lock (_gate)
            {
                foreach (var (position, message) in _messages)
                {
                    if (position > after)
                        return (position, message);
                }

                posted = _posted.Task;
            }

            await posted.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A window that begins with this step was opened: the coordinator has committed everything before <paramref name="step"/>.</summary>
    public void Committed(string job, ulong step) => Remove(message => JobOf(message) == job && StepOf(message) < step);

    /// <summary>The job no longer needs this worker.</summary>
    public void Forget(string job) => Remove(message => JobOf(message) == job && message.BodyCase != WorkerMessage.BodyOneofCase.Failure);

    private void Supersede(WorkerMessage message)
    {
        switch (message.BodyCase)
        {
            case WorkerMessage.BodyOneofCase.StageLoad or WorkerMessage.BodyOneofCase.GenerationReady or WorkerMessage.BodyOneofCase.StateSaved or WorkerMessage.BodyOneofCase.Failure:
                RemoveLocked(old => old.BodyCase == message.BodyCase && JobOf(old) == JobOf(message));
                break;
            case WorkerMessage.BodyOneofCase.Score:
                var surplus = _messages.Values.Count(old => old.BodyCase == WorkerMessage.BodyOneofCase.Score) - KeptScores;
                RemoveLocked(old => old.BodyCase == WorkerMessage.BodyOneofCase.Score && surplus-- > 0);
                break;
            case WorkerMessage.BodyOneofCase.Generate when message.Generate.Parts.Count > 0:
                var newest = message.Generate.Parts.Max(part => part.RequestId);
                RemoveLocked(old => old.BodyCase == WorkerMessage.BodyOneofCase.Generate && JobOf(old) == JobOf(message)
                    && old.Generate.Parts.All(part => part.RequestId + KeptAnswers <= newest));
                break;
            default:
                break;
        }
    }

    private void Remove(Func<WorkerMessage, bool> which)
    {
        lock (_gate)
            RemoveLocked(which);
    }

    private void RemoveLocked(Func<WorkerMessage, bool> which) =>
        _messages = _messages.RemoveRange(_messages.Where(entry => which(entry.Value)).Select(entry => entry.Key).ToArray());

    private static string? JobOf(WorkerMessage message) => message.BodyCase switch
    {
        WorkerMessage.BodyOneofCase.StageLoad => message.StageLoad.Scope.Job,
        WorkerMessage.BodyOneofCase.GenerationReady => message.GenerationReady.Scope.Job,
        WorkerMessage.BodyOneofCase.Step => message.Step.Scope.Job,
        WorkerMessage.BodyOneofCase.Evaluation => message.Evaluation.Scope.Job,
        WorkerMessage.BodyOneofCase.StateSaved => message.StateSaved.Scope.Job,
        WorkerMessage.BodyOneofCase.Failure => message.Failure.Scope?.Job,
        WorkerMessage.BodyOneofCase.Score => message.Score.Scope.Job,
        WorkerMessage.BodyOneofCase.Generate => message.Generate.Scope.Job,
        _ => null,
    };

    private static ulong StepOf(WorkerMessage message) => message.BodyCase switch
    {
        WorkerMessage.BodyOneofCase.Step => message.Step.Step,
        WorkerMessage.BodyOneofCase.Evaluation => message.Evaluation.Step,
        _ => ulong.MaxValue,
    };
}
