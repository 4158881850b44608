using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>What a job's data came to, and what a person should know before a worker is taken.</summary>
/// <param name="Splits">Training, then evaluation where there is any.</param>
/// <param name="Findings">Errors first, then warnings, then the rest.</param>
internal sealed record PreflightReport(IReadOnlyList<SplitNumbers> Splits, IReadOnlyList<Finding> Findings)
{
    /// <summary>The job must not start.</summary>
    public bool HasErrors => Findings.Any(finding => finding.Severity == FindingSeverity.Error);

    /// <exception cref="InvalidInputException">There is an error; the sentences are those of all errors.</exception>
    public void ThrowOnErrors()
    {
        if (HasErrors)
        {
            throw new InvalidInputException(string.Join('\n', Findings.Where(finding => finding.Severity == FindingSeverity.Error).Select(finding => finding.Message)));
        }
    }
}

/// <summary>The numbers of a split.</summary>
/// <param name="Source">The key that names its files; data.eval_split for samples that were held out.</param>
/// <param name="Samples">Samples that are used.</param>
/// <param name="Tokens">Their tokens.</param>
/// <param name="LabelTokens">Those of them that carry loss.</param>
/// <param name="Counts">What became of the rows; null where they are counted in another split.</param>
/// <param name="Lengths">How long the samples are.</param>
internal sealed record SplitNumbers(string Source, long Samples, long Tokens, long LabelTokens, SplitCounts? Counts, LengthHistogram Lengths)
{
    public static SplitNumbers Of(string source, PreparedSplit split, bool withCounts) => new(
        source, split.Lengths.Length, split.Lengths.Sum(length => (long)length), split.LabelCounts.Sum(count => (long)count),
        withCounts ? split.Counts : null, LengthHistogram.Of(split.Lengths));
}
