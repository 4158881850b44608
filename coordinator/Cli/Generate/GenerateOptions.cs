using Orchestrator.Coordinator.Cli.WholeModel;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>What <c>generate</c> was asked for.</summary>
internal sealed record GenerateOptions(WholeModelOptions Model)
{
    public string? Prompt { get; init; }

    public string? Messages { get; init; }

    public string? PromptIds { get; init; }

    /// <summary>The prompt is plain text, whatever the folder has.</summary>
    public bool Raw { get; init; }

    public int MaxNewTokens { get; init; } = 256;

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public long? Seed { get; init; }

    public IReadOnlyList<string> Stops { get; init; } = [];

    public bool Json { get; init; }
}
