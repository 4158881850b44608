namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>What <c>score</c> was asked for.</summary>
internal sealed record ScoreOptions(string Model, string Data)
{
    public string? Adapter { get; init; }

    public string Quantization { get; init; } = "none";

    public string ComputeDtype { get; init; } = "auto";

    public IReadOnlyList<string> Sets { get; init; } = [];

    public bool Json { get; init; }
}
