using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads the files of one split in a job's settings.</summary>
/// <remarks>For one run. The model's tokenizer is opened when the first row needs it: token rows do without.</remarks>
internal sealed class SplitReader(DataSpec data, Func<ModelText> model, int vocabSize, SampleRules rules, bool keepTexts = false)
{
    private readonly List<FileFacts> _files = [];
    private readonly RemarkTally _remarks = new();
    private readonly SampleStatistics _statistics = new();
    private SplitCounts _counts = new(0, 0, 0, 0);

    /// <summary>Hands every sample out in order, and tells what was found.</summary>
    /// <param name="files">The split's files.</param>
    /// <param name="take">Takes the samples of a batch; false: enough was seen.</param>
    /// <param name="progress">How far it is.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidInputException">Something about the files or their rows is wrong; every sentence names file and line.</exception>
    public async Task<PreparationReport> ReadAsync(
        IReadOnlyList<string> files, Func<SampleBatch, bool> take, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
    {
        var total = files.Sum(SizeOf);
        await new SamplePipeline(WorkFor).RunAsync(
            files,
            remark => _remarks.Add(remark.Code, remark.Place, remark.Text),
            batch =>
            {
                Refuse(batch, files);
                _counts = _counts.Plus(batch.Counts);
                _files[batch.File] = _files[batch.File] with { Rows = _files[batch.File].Rows + batch.Counts.Rows };
                _remarks.Merge(batch.Remarks);
                _statistics.Merge(batch.Statistics);
                progress?.Report(new DatasetProgress(files[batch.File], _counts.Rows, batch.BytesRead, total));
                return take(batch);
            },
            cancellationToken);
        return new PreparationReport { Counts = _counts, Files = _files, Remarks = [.. _remarks.Groups], Statistics = _statistics };
    }

    private static long SizeOf(string file)
    {
        using var stream = FileWindow.Open(file);
        return stream.Length;
    }

    private static void Refuse(SampleBatch batch, IReadOnlyList<string> files)
    {
        var faults = new RowFaults();
        foreach (var (fault, place) in batch.Faults)
        {
            faults.Add(fault, files[place.File], place.Line);
        }

        faults.ThrowIfAny();
    }

    private IRecordWork WorkFor(int file, string path, RecordReader reader)
    {
        var (format, reason, fields) = data.Format == DataFormat.Auto ? Detect(path, reader) : new DetectedFormat(data.Format, "", data.Fields);
        _files.Add(new FileFacts(format, reason, SampleMaker.Resolve(format, data.LossOn), 0));
        if (format == DataFormat.Tokens)
        {
            return new TokensWork(vocabSize, fields, rules);
        }

        var text = model();
        if (text.Template is null && format is (DataFormat.Messages or DataFormat.Sharegpt))
        {
            throw ModelText.NoTemplate(text.Folder);
        }

        return new TextWork(new RowParser(format, fields, text.Template is not null), text, data.LossOn, rules, keepTexts);
    }

    private DetectedFormat Detect(string path, RecordReader reader)
    {
        try
        {
            using var document = JsonRecord.Parse(reader.Record, reader.Place, out _);
            return FormatDetection.Of(document.RootElement, data.Fields);
        }
        catch (RowException fault)
        {
            throw fault.At(path, reader.Place.Line);
        }
    }
}
