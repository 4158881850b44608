using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>The layout that a job was first placed on: what it grows back to.</summary>
/// <param name="Replicas">Pipelines.</param>
/// <param name="Layers">Layers of each stage of a pipeline.</param>
internal sealed record LayoutTarget(int Replicas, ValueList<int> Layers)
{
    public int NumStages => Layers.Count;

    public int NumWorkers => Replicas * NumStages;

    public int NumLayers => Layers.Sum();
}
