using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>A worker that is attached now, as placement sees it.</summary>
internal sealed record AttachedWorker(
    WorkerKey Key, NumericClass Class, string PeerAddress, ulong MemoryLimitBytes, string Device, bool FastBfloat16)
{
    /// <summary>Why it is to end soon: it is placed no more, and lets go of its jobs; null: it stays.</summary>
    public string? DrainReason { get; init; }
}
