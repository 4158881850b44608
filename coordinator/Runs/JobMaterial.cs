using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Everything that was read for a job and does not depend on the fleet.</summary>
/// <remarks>Immutable; made again from the same files in each life of the entity.</remarks>
internal sealed record JobMaterial
{
    public required JobSpec Spec { get; init; }

    /// <summary>SHA-256 over what fixes the adapter's bits: the resolved job without its output, the model's and the data's bytes.</summary>
    public required string JobHash { get; init; }

    public required ModelSpec Model { get; init; }

    /// <summary>The adapted modules of all layers, by index.</summary>
    public required IReadOnlyList<AdapterModule> Modules { get; init; }

    public required PreparedDataset Data { get; init; }

    public required StepPlan Steps { get; init; }
}
