namespace Orchestrator.Coordinator.Cli.WholeModel;

/// <summary>Which model a command computes with, and how.</summary>
internal sealed record WholeModelOptions(string Model)
{
    public string? Adapter { get; init; }

    public string Quantization { get; init; } = "none";

    public string ComputeDtype { get; init; } = "auto";

    public IReadOnlyList<string> Sets { get; init; } = [];
}
