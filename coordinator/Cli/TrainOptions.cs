namespace Orchestrator.Coordinator.Cli;

/// <summary>What <c>train</c> was asked for.</summary>
internal sealed record TrainOptions(string JobFile)
{
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>Null: what the job says, else one (or one a GPU).</summary>
    public int? Workers { get; init; }

    /// <summary>Null: the job's own output folder.</summary>
    public string? Out { get; init; }

    public bool Resume { get; init; }

    public bool Overwrite { get; init; }

    public bool Json { get; init; }
}
