using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>Who does what: stages by rank, and workers of the same class that stand by.</summary>
internal sealed record LayoutPlan(int Replicas, int NumStages, NumericClass Class, IReadOnlyList<PlannedStage> Stages, IReadOnlyList<string> Spares);
