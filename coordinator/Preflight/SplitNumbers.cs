using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Preflight;

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
