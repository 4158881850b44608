using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Placement;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Everything that was read for a job and does not depend on the fleet.</summary>
/// <remarks>Immutable; made again from the same files in each life of the entity.</remarks>
internal sealed record JobMaterial
{
    public required JobSpec Spec { get; init; }

    /// <summary>What makes two jobs the same.</summary>
    public required string JobHash { get; init; }

    public required ModelFolder Model { get; init; }

    public required FilesHash ModelHash { get; init; }

    /// <summary>Of the adapter that the job starts from; null: it starts afresh.</summary>
    public FilesHash? StartHash { get; init; }

    /// <summary>The adapter's configuration as it will be written: the job's, or that of the adapter it starts from.</summary>
    public required PeftConfig AdapterConfig { get; init; }

    /// <summary>The adapted modules of all layers, by index.</summary>
    public required IReadOnlyList<AdapterModule> Modules { get; init; }

    /// <summary>The linear layers that stay in 16 bits.</summary>
    public required SkipModules Skip { get; init; }

    public required PreparedDataset Data { get; init; }

    public required StepPlan Steps { get; init; }

    /// <summary>The data's numbers and what was found in it, as people read it.</summary>
    public IReadOnlyList<string> Preflight { get; init; } = [];

    /// <summary>What a person should know of the request: settings without effect, rows that are left out.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];
}
