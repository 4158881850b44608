using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>Tells what was remarked of rows.</summary>
internal static class RemarkFindings
{
    /// <param name="report">What the preparation found.</param>
    /// <param name="files">The files, by index.</param>
    public static IEnumerable<Finding> Of(PreparationReport report, IReadOnlyList<string> files)
        => report.Remarks.Select(group => new Finding(SeverityOf(group, report), CodeOf(group.Code), Sentence(group, files)));

    // One row that begins twice with BOS is a row's matter, most rows are the template's or the data's.
    private static FindingSeverity SeverityOf(RemarkGroup group, PreparationReport report) => group.Code switch
    {
        RemarkCode.DoubledBos when 2 * group.Count >= report.Counts.Rows => FindingSeverity.Error,
        RemarkCode.UnusedField => FindingSeverity.Info,
        _ => FindingSeverity.Warning,
    };

    private static string CodeOf(RemarkCode code) => code switch
    {
        RemarkCode.JsonLinesInJson => "json-lines-in-json",
        RemarkCode.ObjectInsteadOfArray => "object-instead-of-array",
        RemarkCode.DuplicateKey => "duplicate-key",
        RemarkCode.LoneSurrogate => "lone-surrogate",
        RemarkCode.EmptyAnswer => "empty-answer",
        RemarkCode.EmptyRow => "empty-row",
        RemarkCode.SpecialTokenText => "special-token-text",
        RemarkCode.UnusedField => "unused-field",
        RemarkCode.DoubledBos => "doubled-bos",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, null),
    };

    private static string Sentence(RemarkGroup group, IReadOnlyList<string> files)
    {
        var first = group.First[0];
        var places = string.Join(", ", group.First.Select(remark => $"line {remark.Place.Line}{(remark.Place.File == first.Place.File ? "" : $" of {Path.GetFileName(files[remark.Place.File])}")}"));
        var more = group.Count > group.First.Count ? $" and {Jobs.Sentence.Count(group.Count - group.First.Count, "more row")}" : "";
        var advice = group.Code == RemarkCode.DoubledBos ? "; take it out of the text or out of the chat template" : "";
        return $"{Path.GetFileName(files[first.Place.File])}, {places}{more}: {first.Text}{advice}.";
    }
}
