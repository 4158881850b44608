namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>What <c>prepare</c> was asked for.</summary>
internal sealed record PrepareOptions(string JobFile)
{
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>The output folder, in place of the job file's.</summary>
    public string? Out { get; init; }

    /// <summary>Samples to show; null: none, or with <see cref="Json"/> all.</summary>
    public int? Show { get; init; }

    public bool Json { get; init; }
}
