using Orchestrator.Coordinator.Membership;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A worker that was bound to the job before its first command, and the fence of that command.</summary>
internal readonly record struct BoundWorker(WorkerKey Worker, ulong Fence);
