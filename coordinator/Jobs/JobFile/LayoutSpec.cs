namespace Orchestrator.Coordinator.Jobs;

/// <summary>An explicit layout.</summary>
internal sealed record LayoutSpec
{
    public required int Replicas { get; init; }
    public required int Stages { get; init; }

    /// <summary>Layers of each stage; null: as equal as possible.</summary>
    public ValueList<int>? Layers { get; init; }
}
