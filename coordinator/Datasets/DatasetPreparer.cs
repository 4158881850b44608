using System.Globalization;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Turns a job's data files into prepared splits, once per content.</summary>
/// <remarks>Runs on the thread pool and takes no worker. A killed preparation leaves nothing that counts: shards and index appear whole, the index last.</remarks>
internal sealed class DatasetPreparer
{
    /// <summary>Raised whenever the same text would become other tokens or labels.</summary>
    private const string TextVersion = "text-1";

    private readonly DataSpec _data;
    private readonly int _vocabSize;
    private readonly string _folder;
    private readonly IProgress<DatasetProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly Lazy<ModelText> _model;

    private DatasetPreparer(JobSpec job, int vocabSize, string folder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
    {
        (_data, _vocabSize, _folder, _progress, _cancellationToken) = (job.Data, vocabSize, folder, progress, cancellationToken);
        _model = new Lazy<ModelText>(() => ModelText.Open(job.Model, job.Data));
    }

    /// <summary>Prepares the job's training data and, where it has any, its evaluation data.</summary>
    /// <param name="job">The job.</param>
    /// <param name="vocabSize">Ids that token rows may have.</param>
    /// <param name="dataFolder">Where shards are kept.</param>
    /// <param name="progress">Told on the reading thread, often.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <remarks>A sample without any label token is left out and counted: it would take a place in a step and teach nothing.</remarks>
    /// <exception cref="InvalidInputException">A file is missing, a row is malformed, an id is outside the vocabulary, or no label token is left.</exception>
    public static Task<PreparedDataset> PrepareAsync(JobSpec job, int vocabSize, string dataFolder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
        => Task.Run(
            async () =>
            {
                var preparer = new DatasetPreparer(job, vocabSize, dataFolder, progress, cancellationToken);
                var rules = new SampleRules(job.Data.MaxLength, job.Data.Truncation, KeepUnlabelled: false);
                var (train, trainReport) = await preparer.PrepareAsync("data.train", job.Data.Train, rules, HoldOut.Of(job));
                if (job.Data.Eval.Count == 0)
                {
                    return new PreparedDataset(train[0], train.ElementAtOrDefault(1)) { TrainReport = trainReport, Text = preparer.Text };
                }

                var (eval, evalReport) = await preparer.PrepareAsync("data.eval", job.Data.Eval, rules, null);
                return new PreparedDataset(train[0], eval[0]) { TrainReport = trainReport, EvalReport = evalReport, Text = preparer.Text };
            },
            cancellationToken);

    /// <summary>Prepares the training files as they are, for commands that compute: no sample is dropped or cut, so sample i is row i.</summary>
    /// <exception cref="InvalidInputException">A file is missing, a row is malformed, an id is outside the vocabulary, or there is no label token.</exception>
    public static Task<PreparedSplit> PrepareWholeAsync(JobSpec job, int vocabSize, string dataFolder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
        => Task.Run(
            async () =>
            {
                var preparer = new DatasetPreparer(job, vocabSize, dataFolder, progress, cancellationToken);
                return (await preparer.PrepareAsync("--data", job.Data.Train, new SampleRules(int.MaxValue, Truncation.Error, KeepUnlabelled: true), null)).Splits[0];
            },
            cancellationToken);

    private ModelText? Text => _model.IsValueCreated ? _model.Value : null;

    private async Task<(IReadOnlyList<PreparedSplit> Splits, PreparationReport Report)> PrepareAsync(string source, IReadOnlyList<string> files, SampleRules rules, HoldOut? holdOut)
    {
        var key = PreparedCache.KeyOf(files, Settings(rules, holdOut), _cancellationToken);
        if (PreparationReport.Find(_folder, key) is { } known && PreparedCache.Find(_folder, key) is { } shards)
        {
            return (shards, known);
        }

        using var spill = new TokenSpill(_folder);
        var report = await new SplitReader(_data, () => _model.Value, _vocabSize, rules).ReadAsync(
            files,
            batch =>
            {
                batch.ForEach((_, inputIds, labels) => spill.Add(inputIds, labels));
                return true;
            },
            _progress,
            _cancellationToken);
        RequireSamples(source, spill.Count, report);
        var splits = holdOut is null ? [[.. Enumerable.Range(0, spill.Count)]] : holdOut.Divide(spill.Count);
        IReadOnlyList<PreparedSplit> prepared = [.. splits.Select(split => PreparedCache.Load(spill.WriteShard(_folder, split, FactsOf(report.Counts)).Path, null))];
        foreach (var split in prepared)
        {
            RequireLabels(source, split, report);
        }

        report.Store(_folder, key);
        PreparedCache.Store(_folder, key, prepared);
        return (prepared, report);
    }

    /// <summary>Everything but the files that decides what becomes of them.</summary>
    private string Settings(SampleRules rules, HoldOut? holdOut)
    {
        var settings = $"{TextVersion} {_data.Format} {_data.Fields} {_data.LossOn} {_vocabSize} {rules} {holdOut}";
        return IsTokens() ? settings : $"{settings} {_model.Value.Key}";
    }

    /// <summary>True where no file of the job needs a tokenizer.</summary>
    private bool IsTokens() => _data.Format == DataFormat.Tokens || (_data.Format == DataFormat.Auto && _data.Train.Concat(_data.Eval).All(file => FormatDetection.NeedsNoTokenizer(file, _data.Fields)));

    private static void RequireSamples(string source, int samples, PreparationReport report)
    {
        if (samples > 0)
        {
            return;
        }

        throw (report.Counts.Rows, report.Counts.DroppedTooLong) switch
        {
            var (rows, dropped) when rows == dropped => new DataRefusedException(
                DataRefusedException.NoSample, $"{source} has no sample left: all {rows} are longer than data.max_length; raise it, or set data.truncation to right."),
            _ => NoLabels(source, report),
        };
    }

    private static void RequireLabels(string source, PreparedSplit split, PreparationReport report)
    {
        if (Array.TrueForAll(split.LabelCounts, count => count == 0))
        {
            throw NoLabels(source, report);
        }
    }

    private static DataRefusedException NoLabels(string source, PreparationReport report) => new(
        DataRefusedException.NoLabelToken,
        report.Files.All(file => file.Format == DataFormat.Tokens)
            ? $"{source} has no label token at all: every label is -100 or the first of its sample, which nothing predicts; give the tokens to learn as labels."
            : $"{source} has no label token at all in any of its {Sentence.Count(report.Counts.Rows, "row")}: no assistant turn or completion is left in a sample; give answers to learn, raise data.max_length, or set data.loss_on.");

    private static IEnumerable<KeyValuePair<string, string>> FactsOf(SplitCounts counts) =>
    [
        new("rows", counts.Rows.ToString(CultureInfo.InvariantCulture)),
        new("dropped_too_long", counts.DroppedTooLong.ToString(CultureInfo.InvariantCulture)),
        new("truncated", counts.Truncated.ToString(CultureInfo.InvariantCulture)),
        new("dropped_unlabelled", counts.DroppedUnlabelled.ToString(CultureInfo.InvariantCulture)),
    ];
}
