using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli.WholeModel;

/// <summary>The keys of a job that a command which holds a whole model takes by <c>--set</c>: those that change what it does, and no others.</summary>
/// <param name="Command">The command's name.</param>
/// <param name="Data">Keys of the data section.</param>
internal sealed record WholeModelKeys(string Command, params IReadOnlyList<string> Data)
{
    private const string Quantization = "quantization.";

    private static readonly string[] Resources = ["resources.compute_threads", "resources.numeric_class"];

    private static readonly string[] Sections = [Quantization, "data.", "resources."];

    /// <exception cref="InvalidInputException">A key has no effect on the command.</exception>
    public void Check(IEnumerable<string> sets)
    {
        foreach (var set in sets)
        {
            if (!Takes(set.Split('=', 2)[0].Trim()))
            {
                throw new InvalidInputException(
                    $"--set {Sentence.Clean(set, 120)}: {Command} takes {string.Join(", ", [.. Data, .. Resources])} and the keys of quantization, each by its full name; others have no effect on it.");
            }
        }
    }

    // A key that does not exist is left to the job file's own sentence, which suggests the nearest.
    private bool Takes(string key) =>
        Array.Exists(Sections, section => key.StartsWith(section, StringComparison.Ordinal))
        && (key.StartsWith(Quantization, StringComparison.Ordinal) || JobKeys.Find(key) is null || Data.Concat(Resources).Contains(key, StringComparer.Ordinal));
}
