using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>A worker that could take part.</summary>
internal sealed record CandidateWorker(string WorkerId, NumericClass Class);

/// <summary>What a layout depends on.</summary>
internal sealed record LayoutRequest
{
    public required JobSpec Job { get; init; }
    public required int NumLayers { get; init; }

    /// <summary>Most micro-batches of a step: more replicas than its slots would only vote.</summary>
    public required int MaxMicroBatchesPerStep { get; init; }

    /// <summary>Attached workers in order of preference.</summary>
    public required IReadOnlyList<CandidateWorker> Workers { get; init; }

    /// <summary>The class that the job was first placed on; null: not placed yet.</summary>
    public NumericClass? RequiredClass { get; init; }
}

/// <summary>One stage of one replica on one worker. Layers count from 0, the last one is inclusive; rank = replica * stages + stage.</summary>
internal sealed record PlannedStage(int Rank, int Replica, int Stage, string WorkerId, int FirstLayer, int LastLayer, bool Embedding, bool Head);

/// <summary>Who does what: stages by rank, and workers of the same class that stand by.</summary>
internal sealed record LayoutPlan(int Replicas, int NumStages, NumericClass Class, IReadOnlyList<PlannedStage> Stages, IReadOnlyList<string> Spares);

internal enum FindingSeverity
{
    Info,
    Warning,
    Error,
}

/// <summary>Something that the planner has to say, in one sentence, with a code for scripts.</summary>
internal sealed record Finding(FindingSeverity Severity, string Code, string Message);

/// <summary>A layout or the reason why there is none.</summary>
/// <param name="Layout">Null when the job cannot be placed on these workers.</param>
/// <param name="Waits">True when more or other workers would do (the job waits); false when no fleet could.</param>
/// <param name="Reason">One sentence, also for a layout that was found.</param>
/// <param name="Findings">Everything to tell, the reason of a refusal included.</param>
internal sealed record LayoutResult(LayoutPlan? Layout, bool Waits, string Reason, IReadOnlyList<Finding> Findings);
