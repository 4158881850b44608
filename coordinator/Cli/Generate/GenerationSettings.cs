using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>How answers are made and what ends them.</summary>
/// <param name="MaxNewTokens">Tokens of the longest answer.</param>
/// <param name="StopTokens">Ids that end an answer.</param>
/// <param name="StopStrings">Texts that end an answer; they are not part of it.</param>
/// <param name="Sampling">Null: greedy.</param>
internal sealed record GenerationSettings(int MaxNewTokens, IReadOnlyList<int> StopTokens, IReadOnlyList<string> StopStrings, Sampling? Sampling)
{
    /// <summary>The most likely token, again and again.</summary>
    /// <exception cref="InvalidInputException">The length is none.</exception>
    public static GenerationSettings Greedy(int maxNewTokens) => new(CheckedLength(maxNewTokens), [], [], null);

    /// <exception cref="InvalidInputException">The length is none.</exception>
    public static int CheckedLength(int maxNewTokens) =>
        maxNewTokens >= 1 ? maxNewTokens : throw new InvalidInputException($"--max-new-tokens is {maxNewTokens}; it is at least 1.");
}
