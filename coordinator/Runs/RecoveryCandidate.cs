using Orchestrator.Coordinator.Membership;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A worker that may take a place in the next generation.</summary>
/// <param name="Worker">Its life.</param>
/// <param name="Place">The place that it had in the generation before; null: none.</param>
internal sealed record RecoveryCandidate(WorkerKey Worker, RankPlacement? Place);
