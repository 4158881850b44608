namespace Orchestrator.Coordinator.Jobs;

/// <summary>What the job may take; null: <c>auto</c>.</summary>
internal sealed record ResourcesSpec
{
    public required int? Workers { get; init; }
    public required int? ComputeThreads { get; init; }
    public required string? NumericClass { get; init; }
}
