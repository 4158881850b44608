using System.Globalization;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Turns a job's data files into prepared splits, once per content.</summary>
/// <remarks>Runs on the thread pool. A killed preparation leaves at most temporary files (their names start with a dot).</remarks>
internal static class DatasetPreparer
{
    /// <summary>Prepares the job's training data and, where it has any, its evaluation data.</summary>
    /// <remarks>A sample without any label token is left out and counted: it would take a place in a step and teach nothing.</remarks>
    /// <exception cref="InvalidInputException">A file is missing, a row is malformed, an id is outside the vocabulary, or no label token is left.</exception>
    public static Task<PreparedDataset> PrepareAsync(JobSpec job, int vocabSize, string dataFolder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
        => Task.Run(
            () =>
            {
                var settings = new RowSettings(vocabSize, job.Data.MaxLength, job.Data.Truncation, KeepUnlabelled: false, job.Data.Format == DataFormat.Auto);
                var train = Prepare("data.train", job.Data.Train, settings, HoldOut.Of(job), dataFolder, progress, cancellationToken);
                var eval = job.Data.Eval.Count > 0
                    ? Prepare("data.eval", job.Data.Eval, settings, null, dataFolder, progress, cancellationToken)[0]
                    : train.ElementAtOrDefault(1);
                return new PreparedDataset(train[0], eval);
            },
            cancellationToken);

    /// <summary>Prepares one file as it is, for commands that compute: no sample is dropped or cut, so sample i is row i (blank lines aside).</summary>
    /// <exception cref="InvalidInputException">The file is missing, a row is malformed, an id is outside the vocabulary, or there is no label token.</exception>
    public static Task<PreparedSplit> PrepareFileAsync(string path, int vocabSize, string dataFolder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
        => Task.Run(
            () => Prepare("--data", [path], new RowSettings(vocabSize, int.MaxValue, Truncation.Error, KeepUnlabelled: true, FormatIsAuto: true), null, dataFolder, progress, cancellationToken)[0],
            cancellationToken);

    private static IReadOnlyList<PreparedSplit> Prepare(
        string source, IReadOnlyList<string> files, RowSettings settings, HoldOut? holdOut, string folder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
    {
        var key = PreparedCache.KeyOf(files, $"{settings with { FormatIsAuto = false }} {holdOut}", cancellationToken);
        if (PreparedCache.Find(folder, key) is { } known)
        {
            return known;
        }

        using var spill = new TokenSpill(folder);
        var counts = new RowReader(settings, spill, progress).ReadAll(files, cancellationToken);
        RequireSamples(source, spill.Count, counts);
        var splits = holdOut is null ? [[.. Enumerable.Range(0, spill.Count)]] : holdOut.Divide(spill.Count);
        IReadOnlyList<PreparedSplit> prepared = [.. splits.Select(split => PreparedCache.Load(spill.WriteShard(folder, split, FactsOf(counts)).Path, null))];
        foreach (var split in prepared)
        {
            RequireLabels(source, split);
        }

        PreparedCache.Store(folder, key, prepared);
        return prepared;
    }

    private static void RequireSamples(string source, int samples, SplitCounts counts)
    {
        if (samples > 0)
        {
            return;
        }

        throw new InvalidInputException((counts.Rows, counts.DroppedTooLong) switch
        {
            (0, _) => $"{source} holds no sample; give it at least one row.",
            var (rows, dropped) when rows == dropped => $"{source} has no sample left: all {rows} are longer than data.max_length; raise it, or set data.truncation to right.",
            _ => NoLabels(source),
        });
    }

    private static void RequireLabels(string source, PreparedSplit split)
    {
        if (Array.TrueForAll(split.LabelCounts, count => count == 0))
        {
            throw new InvalidInputException(NoLabels(source));
        }
    }

    private static string NoLabels(string source)
        => $"{source} has no label token at all: every label is -100 or the first of its sample, which nothing predicts; give the tokens to learn as labels.";

    private static IEnumerable<KeyValuePair<string, string>> FactsOf(SplitCounts counts) =>
    [
        new("rows", counts.Rows.ToString(CultureInfo.InvariantCulture)),
        new("dropped_too_long", counts.DroppedTooLong.ToString(CultureInfo.InvariantCulture)),
        new("truncated", counts.Truncated.ToString(CultureInfo.InvariantCulture)),
        new("dropped_unlabelled", counts.DroppedUnlabelled.ToString(CultureInfo.InvariantCulture)),
    ];
}

/// <summary>The part of the training samples that becomes the evaluation split: chosen by the job's seed, both parts in file order.</summary>
internal sealed record HoldOut(double Share, ulong Seed)
{
    /// <summary>No epoch has this number, so the choice is independent of every epoch's order.</summary>
    private const ulong Epoch = ulong.MaxValue;

    public static HoldOut? Of(JobSpec job) => job.Data.EvalSplit is { } share ? new HoldOut(share, job.Training.Seed) : null;

    /// <summary>Training indices, then evaluation indices.</summary>
    /// <exception cref="InvalidInputException">There is only one sample.</exception>
    public IReadOnlyList<int>[] Divide(int samples)
    {
        if (samples < 2)
        {
            throw new InvalidInputException("data.eval_split needs at least two samples in data.train.");
        }

        var held = Math.Clamp((int)Math.Round(samples * Share, MidpointRounding.AwayFromZero), 1, samples - 1);
        var chosen = DataOrder.Permutation(samples, Seed, Epoch);
        Array.Sort(chosen, 0, held);
        Array.Sort(chosen, held, samples - held);
        return [chosen[held..], chosen[..held]];
    }
}
