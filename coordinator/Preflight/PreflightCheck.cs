using System.Globalization;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>Looks at prepared data before anything is paid for it.</summary>
/// <remarks>A pure function of the job's data and the model folder's small files.</remarks>
internal static class PreflightCheck
{
    /// <param name="job">The job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="vocabSize">Rows of the model's embedding; null: not known.</param>
    public static PreflightReport Run(JobSpec job, PreparedDataset data, int? vocabSize)
    {
        var isHeldOut = data is { Eval: not null, EvalReport: null };
        List<SplitNumbers> splits = [SplitNumbers.Of("data.train", data.Train, withCounts: true)];
        if (data.Eval is { } eval)
        {
            splits.Add(SplitNumbers.Of(isHeldOut ? "data.eval_split" : "data.eval", eval, withCounts: !isHeldOut));
        }

        var findings = SplitFindings("data.train", job, job.Data.Train, data.Train.Counts, data.TrainReport)
            .Concat(isHeldOut || data.Eval is null ? [] : SplitFindings("data.eval", job, job.Data.Eval, data.Eval.Counts, data.EvalReport))
            .Concat(Overlap(data, isHeldOut))
            .Concat(data.Text is { } text ? TokenFindings(data, text, vocabSize) : []);
        return new PreflightReport(splits, [.. findings.OrderByDescending(finding => finding.Severity)]);
    }

    private static IEnumerable<Finding> SplitFindings(string source, JobSpec job, ValueList<string> files, SplitCounts counts, PreparationReport? report)
    {
        if (counts.DroppedTooLong > 0)
        {
            yield return Warning("samples-over-length", $"{source}: {N(counts.DroppedTooLong)} of {N(counts.Rows)} rows are left out, for they are longer than data.max_length = {job.Data.MaxLength}{Longest(report, files)}.");
        }

        if (counts.Truncated > 0)
        {
            yield return Warning("samples-over-length", $"{source}: {N(counts.Truncated)} of {N(counts.Rows)} rows are cut to data.max_length = {job.Data.MaxLength}{Longest(report, files)}.");
        }

        if (counts.DroppedUnlabelled > 0)
        {
            yield return Warning("rows-without-label", $"{source}: {N(counts.DroppedUnlabelled)} of {N(counts.Rows)} rows are left out, for no token of theirs carries loss.");
        }

        if (report is null)
        {
            yield break;
        }

        foreach (var finding in RemarkFindings.Of(report, files))
        {
            yield return finding;
        }

        for (var i = 0; i < report.Files.Count; i++)
        {
            var file = report.Files[i];
            var why = file.Reason.Length > 0 ? $" (data.format auto: its first row {file.Reason})" : "";
            yield return new Finding(
                FindingSeverity.Info, "format", $"{Path.GetFileName(files[i])}: {N(file.Rows)} {Sentence.Plural(file.Rows, "row")} of the format {FieldNames.NameOf(file.Format)}{why}; loss on {LossText(file)}.");
        }
    }

    private static string Longest(PreparationReport? report, ValueList<string> files) => report is null
        ? ""
        : $"; the longest, {Path.GetFileName(files[report.Statistics.LongestPlace.File])}, line {report.Statistics.LongestPlace.Line}, has {N(report.Statistics.Longest)} tokens";

    private static string LossText(FileFacts file) => (file.Format, file.LossOn) switch
    {
        (DataFormat.Tokens, _) => "the tokens that have labels",
        (_, LossOn.Assistant) => "assistant turns",
        (_, LossOn.Completion) => "completions",
        _ => "all tokens",
    };

    private static IEnumerable<Finding> Overlap(PreparedDataset data, bool isHeldOut)
    {
        if (data.Eval is { } eval && EvalOverlap.Count(data.Train, eval) is > 0 and var both)
        {
            yield return Warning(
                "eval-in-train",
                $"{N(both)} of {N(eval.Lengths.Length)} evaluation samples are training samples too{(isHeldOut ? ", for data.train holds rows twice" : "")}, so the eval loss looks better than it is.");
        }
    }

    private static IEnumerable<Finding> TokenFindings(PreparedDataset data, ModelText text, int? vocabSize)
    {
        IEnumerable<SampleStatistics> statistics = new[] { data.TrainReport, data.EvalReport }.OfType<PreparationReport>().Select(report => report.Statistics);
        var findings = TurnEndFindings.Of([.. statistics], text, StopTokens.First(text.Folder));
        if (vocabSize is { } size && text.Tokenizer.VocabSize > size)
        {
            var maxId = statistics.Max(split => split.MaxId);
            findings = findings.Append(maxId >= size
                ? new Finding(FindingSeverity.Error, "vocabulary-larger-than-model",
                    $"The data has the token {maxId}, but the model has {N(size)} embeddings (vocab_size in config.json): tokenizer and model do not belong together, or tokens were added without growing the model.")
                : Warning("vocabulary-larger-than-model",
                    $"The tokenizer has {N(text.Tokenizer.VocabSize)} tokens and the model {N(size)} embeddings (vocab_size in config.json); the data uses none of those beyond."));
        }

        return text.Clock is { } clock
            ? findings.Append(new Finding(FindingSeverity.Info, "template-clock",
                $"The chat template writes the date: {clock.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)} here; set data.clock to keep it from one preparation to the next."))
            : findings;
    }

    private static Finding Warning(string code, string message) => new(FindingSeverity.Warning, code, message);

    private static string N(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}
