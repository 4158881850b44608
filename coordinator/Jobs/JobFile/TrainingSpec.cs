using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>How it is trained.</summary>
internal sealed record TrainingSpec
{
    public required double Epochs { get; init; }

    /// <summary>Number of steps; it wins over <see cref="Epochs"/> where given.</summary>
    public required int? MaxSteps { get; init; }

    public required int GlobalBatchSize { get; init; }

    /// <summary>Token budget of a micro-batch; null: <c>auto</c>.</summary>
    public required int? MicroBatchTokens { get; init; }

    /// <summary>Samples of a micro-batch; used where <see cref="MicroBatchTokens"/> is auto.</summary>
    public required int? MicroBatchSize { get; init; }

    public required int ReductionSlots { get; init; }
    public required double LearningRate { get; init; }
    public required LearningRateScheduler LrScheduler { get; init; }
    public required double WarmupRatio { get; init; }

    /// <summary>Steps of warm-up; it wins over <see cref="WarmupRatio"/> where given (0: none).</summary>
    public required int? WarmupSteps { get; init; }

    public required OptimizerKind Optimizer { get; init; }
    public required double Momentum { get; init; }
    public required double WeightDecay { get; init; }
    public required double AdamBeta1 { get; init; }
    public required double AdamBeta2 { get; init; }
    public required double AdamEpsilon { get; init; }

    /// <summary>Largest gradient norm; 0: no clipping.</summary>
    public required double MaxGradNorm { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Steps between evaluations: a count from 1, or a fraction of all steps below 1.</summary>
    public required double EvalSteps { get; init; }

    /// <summary>Steps between checkpoints: a count from 1, or a fraction of all steps below 1.</summary>
    public required double SaveSteps { get; init; }

    /// <summary>Checkpoints that are kept; the oldest go.</summary>
    public required int SaveTotalLimit { get; init; }

    public required int MaxSkippedSteps { get; init; }
    public required RecomputeChoice Recompute { get; init; }
}
