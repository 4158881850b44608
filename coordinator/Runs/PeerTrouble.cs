using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Workers that cannot reach each other.</summary>
/// <remarks>
/// A moment is given for the other one's loss, whose sentence is the better one. Else the generation begins anew with the same members; if a worker cannot be reached again
/// before a step was committed, it is given up for this job.
/// </remarks>
internal static class PeerTrouble
{
    /// <summary>Above a worker's lease and the grace of its connection: by then its loss has been told.</summary>
    private static readonly TimeSpan LossTimeout = TimeSpan.FromSeconds(5);

    public static void OnFailure(JobTurn turn, string reason, WorkerIdentity? peer)
    {
        turn.Note = reason;
        turn.Do(new JobEffect.Later(LossTimeout, new JobInput.PeerFailureStands(turn.Record.Generations.Number, reason, peer is null ? null : WorkerKey.Of(peer))));
    }

    public static void OnStanding(JobTurn turn, JobInput.PeerFailureStands stands)
    {
        if (stands.Generation != turn.Record.Generations.Number || turn.Record.IsJoining || JobFinishing.IsSaved(turn))
        {
            return;
        }

        var givenUp = stands.Accused is { } accused && turn.Record.Generations.Accused.Contains(accused);
        JobRecovery.Begin(turn, new GenerationEnded
        {
            Worker = stands.Accused is { } worker ? JobTurn.IdentityOf(worker) : null,
            Reason = givenUp ? $"{stands.Reason.TrimEnd('.')}; it was so before, and {stands.Accused} is given up." : stands.Reason,
            End = GenerationEnd.Unreachable,
            GivenUp = givenUp,
        });
    }
}
