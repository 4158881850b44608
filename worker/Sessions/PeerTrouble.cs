using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>What it means for this worker's job that a peer does not take what it is sent.</summary>
internal static class PeerTrouble
{
    /// <summary>The job's failure.</summary>
    /// <param name="trouble">What the link told.</param>
    /// <param name="self">This worker.</param>
    /// <param name="stage">Its stage.</param>
    /// <param name="peer">The other worker.</param>
    /// <param name="rank">The other's rank.</param>
    public static Exception Of(Exception trouble, string self, uint stage, string peer, uint rank) => trouble is ContradictionException contradiction
        ? new WorkerFaultException(
            ErrorCode.Nondeterminism,
            $"nondeterminism detected at step {contradiction.Step}, stage {stage}: the {contradiction.What} that {self} sent to {peer} differs from the one it sent before; check the memory of both machines.",
            contradiction)
        : new PeerLostException($"{peer} (rank {rank}) does not take what {self} sends: {FailureSentences.Of(trouble).Message}", trouble);
}
