using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>A worker that is attached now, as placement sees it.</summary>
internal sealed record AttachedWorker(
    WorkerKey Key, NumericClass Class, string PeerAddress, ulong MemoryLimitBytes, string Device, bool FastBfloat16);
