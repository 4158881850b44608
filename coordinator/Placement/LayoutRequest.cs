using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>What a layout depends on.</summary>
internal sealed record LayoutRequest
{
    public required JobSpec Job { get; init; }
    public required int NumLayers { get; init; }

    /// <summary>Most micro-batches of a step: more replicas than its slots would only vote.</summary>
    public required int MaxMicroBatchesPerStep { get; init; }

    /// <summary>Attached workers in order of preference.</summary>
    public required IReadOnlyList<CandidateWorker> Workers { get; init; }

    /// <summary>There will never be more workers than this: they were started for the job alone. Null: more can be started.</summary>
    public int? MaxWorkers { get; init; }

    /// <summary>The class that the job was first placed on; null: not placed yet.</summary>
    public NumericClass? RequiredClass { get; init; }
}
