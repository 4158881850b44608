namespace Orchestrator.Coordinator.Jobs;

/// <summary>Where the samples come from and how they are cut.</summary>
internal sealed record DataSpec
{
    /// <summary>Training files, absolute, read one after the other.</summary>
    public required ValueList<string> Train { get; init; }

    /// <summary>Evaluation files, absolute; empty: none, or <see cref="EvalSplit"/>.</summary>
    public required ValueList<string> Eval { get; init; }

    /// <summary>Share of the training samples held out for evaluation; null: none.</summary>
    public required double? EvalSplit { get; init; }

    public required DataFormat Format { get; init; }

    /// <summary>The rows' own names by the format's names.</summary>
    public required ValueMap<string> Fields { get; init; }

    /// <summary>A template file, absolute; null: the model folder's own.</summary>
    public required string? ChatTemplate { get; init; }

    public required LossOn LossOn { get; init; }

    /// <summary>What strftime_now tells; null: the day of the preparation.</summary>
    public required DateTime? Clock { get; init; }

    public required int MaxLength { get; init; }
    public required Truncation Truncation { get; init; }
    public required bool Packing { get; init; }
    public required bool Shuffle { get; init; }
}
