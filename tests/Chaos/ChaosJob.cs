using System.Globalization;
using System.Text.RegularExpressions;

namespace Orchestrator.Chaos;

/// <summary>A job and a layout to run it on.</summary>
/// <param name="JobFile">The job file.</param>
/// <param name="Replicas">Pipelines.</param>
/// <param name="Stages">Stages of each.</param>
/// <param name="Spares">Workers more than the layout needs.</param>
/// <param name="Set">Keys that are set.</param>
internal sealed partial record ChaosJob(string JobFile, int Replicas, int Stages, int Spares, IReadOnlyList<string> Set)
{
    /// <summary>A fault waits until the job has got over the one before.</summary>
    public bool Apart { get; init; }

    /// <summary>Whether a text names a layout: 2x1, or 2x1+1 with a spare worker.</summary>
    public static bool IsLayout(string text) => Layout().IsMatch(text);

    public int Workers => (Replicas * Stages) + Spares;

    /// <summary>The command line of a run.</summary>
    public IEnumerable<string> Arguments(string output) =>
    [
        "train", JobFile, "--out", output, "--workers", Workers.ToString(CultureInfo.InvariantCulture),
        "--set", string.Create(CultureInfo.InvariantCulture, $"layout={{replicas: {Replicas}, stages: {Stages}}}"),
        .. Set.SelectMany(key => new[] { "--set", key }),
    ];

    [GeneratedRegex(@"^[1-9]\d?x[1-9]\d?(\+\d{1,2})?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Layout();

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(JobFile)} {Replicas}x{Stages}{(Spares > 0 ? $"+{Spares}" : "")}");
}
