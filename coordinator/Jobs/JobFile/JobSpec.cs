namespace Orchestrator.Coordinator.Jobs;

/// <summary>A job file after parsing: every key has its value, every path is absolute.</summary>
/// <remarks>Immutable and compared by value. Defaults stand in <see cref="JobKeys"/> alone. Keys of which only the default is built have no property; the parser has refused every other value of them.</remarks>
internal sealed record JobSpec
{
    /// <summary>The job's name; without one in the document, the document's name without its extension.</summary>
    public required string Name { get; init; }

    /// <summary>The Hugging Face folder, absolute.</summary>
    public required string Model { get; init; }

    public required AdapterSpec Adapter { get; init; }
    public required QuantizationSettings Quantization { get; init; }
    public required DataSpec Data { get; init; }
    public required TrainingSpec Training { get; init; }

    /// <summary>Whether a run may go on on workers of another numeric class, which ends the promise of equal bits.</summary>
    public required bool AllowClassChange { get; init; }

    /// <summary>Whether every state lies with two workers, or in a file, so that the loss of one worker repeats at most one step; else the newest checkpoint is gone back to.</summary>
    public required bool Mirrors { get; init; }

    /// <summary>The layout that the job asks for; null: <c>auto</c>.</summary>
    public required LayoutSpec? Layout { get; init; }

    public required ResourcesSpec Resources { get; init; }

    /// <summary>The output folder, absolute.</summary>
    public required string Output { get; init; }
}
