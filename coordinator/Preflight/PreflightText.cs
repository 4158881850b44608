using System.Globalization;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>The report as lines for a person.</summary>
internal static class PreflightText
{
    private const int BarWidth = 30;

    public static IEnumerable<PreflightLine> Lines(PreflightReport report)
    {
        foreach (var line in report.Splits.SelectMany(Lines))
        {
            yield return new PreflightLine(null, line);
        }

        foreach (var finding in report.Findings)
        {
            yield return new PreflightLine(finding.Severity, $"{NameOf(finding.Severity)} [{finding.Code}] {finding.Message}");
        }
    }

    /// <summary>The numbers of a split in one line.</summary>
    private static string Summary(SplitNumbers split)
    {
        var lost = split.Counts is { } counts
            ? $", {N(counts.DroppedTooLong + counts.DroppedUnlabelled)} of {N(counts.Rows)} rows dropped, {N(counts.Truncated)} cut"
            : "";
        return $"{split.Source}: {N(split.Samples)} {Sentence.Plural(split.Samples, "sample")}, {N(split.Tokens)} {Sentence.Plural(split.Tokens, "token")}, {N(split.LabelTokens)} with loss ({Share(split.LabelTokens, split.Tokens)}){lost}";
    }

    private static IEnumerable<string> Lines(SplitNumbers split)
    {
        yield return Summary(split);
        var most = split.Lengths.Ranges.Max(range => range.Samples);
        var width = split.Lengths.Ranges.Max(range => RangeText(range).Length);
        foreach (var range in split.Lengths.Ranges)
        {
            var bar = range.Samples == 0 ? 0 : Math.Max(1, (int)Math.Round((double)range.Samples / most * BarWidth));
            yield return $"  {RangeText(range).PadLeft(width)} tokens  {new string('█', bar)}{(bar > 0 ? " " : "")}{N(range.Samples)}";
        }
    }

    private static string RangeText(LengthRange range) => range.From == range.To ? $"{range.From}" : $"{range.From}-{range.To}";

    private static string NameOf(FindingSeverity severity) => severity switch { FindingSeverity.Error => "error", FindingSeverity.Warning => "warning", _ => "info" };

    private static string Share(long part, long whole) => whole == 0 ? "0%" : ((double)part / whole).ToString("0.0%", CultureInfo.InvariantCulture);

    private static string N(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}
