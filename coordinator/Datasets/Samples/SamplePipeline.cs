namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads files, makes samples on all processors, and hands them out in the files' order.</summary>
/// <remarks>
/// The same files give the same samples in the same order however many processors there are. Memory is bounded by the number of batches under way
/// and by the longest record, whatever the size of the files.
/// </remarks>
internal sealed class SamplePipeline(Func<int, string, RecordReader, IRecordWork> workFor)
{
    private const int MaxWorkers = 16;

    private readonly int _depth = (2 * Math.Clamp(Environment.ProcessorCount, 1, MaxWorkers)) + 1;
    private readonly Queue<Task<SampleBatch>> _underWay = new();
    private readonly Stack<SampleBatch> _free = new();
    private bool _isRefused;

    /// <summary>Runs all files through.</summary>
    /// <param name="files">The files.</param>
    /// <param name="remark">Takes what is to be known of a file as a whole.</param>
    /// <param name="consume">Takes each batch in order, one at a time; false: enough was seen.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidInputException">A file cannot be read or holds no record.</exception>
    public async Task RunAsync(IReadOnlyList<string> files, Action<DataRemark> remark, Func<SampleBatch, bool> consume, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var before = 0L;
            for (var file = 0; file < files.Count; file++)
            {
                using var reader = DataFile.Open(files[file], out var known);
                if (known is { } value)
                {
                    remark(value with { Place = value.Place with { File = file, Line = 1 } });
                }

                if (!await ReadAsync(file, files[file], reader, before, consume, stop.Token))
                {
                    return;
                }

                before += new FileInfo(files[file]).Length;
            }

            await DrainAsync(consume, 0);
        }
        catch (InvalidInputException) when (!_isRefused && _underWay.Count > 0)
        {
            // The reader is ahead: what is wrong with earlier rows is said first.
            if (!await DrainAsync(consume, 0))
            {
                return;
            }

            throw;
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(_underWay).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            _underWay.Clear();
        }
    }

    private async Task<bool> ReadAsync(int file, string path, RecordReader reader, long before, Func<SampleBatch, bool> consume, CancellationToken cancellationToken)
    {
        IRecordWork? work = null;
        var isOpen = true;
        while (isOpen)
        {
            var batch = _free.TryPop(out var free) ? free : new SampleBatch();
            batch.Begin(file);
            while (!batch.IsFull && (isOpen = reader.Read()))
            {
                work ??= workFor(file, path, reader);
                batch.AddRecord(reader.Record.Span, reader.Place with { File = file });
            }

            if (batch.IsEmpty)
            {
                break;
            }

            batch.BytesRead = before + reader.BytesRead;
            _underWay.Enqueue(Task.Run(() => batch.Process(work!, cancellationToken), cancellationToken));
            if (!await DrainAsync(consume, _depth - 1))
            {
                return false;
            }
        }

        return work is not null ? true : throw new InvalidInputException($"{path} holds no record; give it at least one row, or leave it out.");
    }

    private async Task<bool> DrainAsync(Func<SampleBatch, bool> consume, int left)
    {
        while (_underWay.Count > left)
        {
            var batch = await _underWay.Dequeue();
            if (!Consume(consume, batch))
            {
                return false;
            }

            _free.Push(batch);
        }

        return true;
    }

    private bool Consume(Func<SampleBatch, bool> consume, SampleBatch batch)
    {
        try
        {
            return consume(batch);
        }
        catch (InvalidInputException)
        {
            _isRefused = true;
            throw;
        }
    }
}
