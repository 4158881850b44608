using System.Text;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Preflight;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>A file of any size is prepared in bounded memory, to the same shard every time. ORCHESTRATOR_DATA_MB makes it larger than the suite's 48 MB.</summary>
[Collection(nameof(AloneCollection))]
public sealed class LargeDataTests : IDisposable
{
    /// <summary>Of the managed memory, with what is no longer used and not yet collected.</summary>
    private const long MostGrowthBytes = 300L << 20;

    /// <summary>Of what is used: batches for each processor and some bytes a row. Whoever holds the suite's file or its tokens holds more on few processors.</summary>
    private static readonly long MostHeldBytes = (20L << 20) + (Environment.ProcessorCount * (2L << 20));

    /// <summary>Lengths and positions of a row, in lists that may be twice as long and are copied as they grow.</summary>
    private const long HeldBytesOfRow = 64;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Prepare_LargeFile_StaysWithinItsMemoryAndGivesTheSameShard()
    {
        var megabytes = int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_DATA_MB"), out var given) ? given : 48;
        var path = WriteRows(megabytes * 1_000_000L);
        var job = DefaultJob.Spec with { Model = GoldenDatasets.Model("qwen2_chatml"), Output = "/o", Data = DefaultJob.Data with { Train = [path], MaxLength = 100_000 } };
        var progress = new Progress();
        using var held = new MemoryWatch(collects: true);
        var first = await PrepareAsync(job, "first", progress);
        held.Stop();
        var rows = first.Train.Counts.Rows;
        Assert.True(held.Most < MostHeldBytes + (rows * HeldBytesOfRow), $"{held.Most >> 20} MiB held");
        Assert.True(progress.Reports > megabytes, $"{progress.Reports} reports of progress");
        Assert.Equal(rows, (long)first.Train.Shard.Samples);

        // One that is given up half-way leaves nothing that changes the next.
        using var stop = new CancellationTokenSource();
        var half = new StopHalfWay(stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DatasetPreparer.PrepareAsync(job, 1415, _folder.At("second"), half, stop.Token));
        Assert.Empty(Directory.GetFiles(_folder.At("second")));
        using var growth = new MemoryWatch(collects: false);
        var second = await PrepareAsync(job, "second", null);
        growth.Stop();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{megabytes} MB, {rows} rows, {first.Train.Shard.Tokens} tokens: {growth.Most >> 20} MiB of growth, {held.Most >> 20} MiB held ({held.Samples} samples), {progress.Reports} reports, {growth.Seconds:F1} s");
        Assert.True(growth.Most < MostGrowthBytes, $"{growth.Most >> 20} MiB");
        Assert.Equal(first.Train.Shard, second.Train.Shard);
    }

    private async Task<PreparedDataset> PrepareAsync(JobSpec job, string folder, IProgress<DatasetProgress>? progress)
    {
        var data = await DatasetPreparer.PrepareAsync(job, 1415, _folder.At(folder), progress, TestContext.Current.CancellationToken);
        PreflightCheck.Run(job, data, null);
        return data;
    }

    private string WriteRows(long bytes)
    {
        var path = _folder.At("large.jsonl");
        var texts = File.ReadLines(GoldenDatasets.At("files", "messages_multi_turn.jsonl")).ToList();
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20);
        for (long written = 0, row = 0; written < bytes; row++)
        {
            var text = texts[(int)(row % texts.Count)].Replace("example", $"example {row},", StringComparison.Ordinal);
            file.Write(text);
            file.Write('\n');
            written += Encoding.UTF8.GetByteCount(text) + 1;
        }

        return path;
    }

    /// <summary>Looks at the managed memory from its making to its end, on a thread of its own: whatever goes on has no say in when.</summary>
    private sealed class MemoryWatch : IDisposable
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(40);

        private readonly long _started = System.Diagnostics.Stopwatch.GetTimestamp();
        private readonly long _before;
        private readonly ManualResetEventSlim _end = new();
        private readonly bool _collects;
        private readonly Thread _thread;

        /// <param name="collects">What is no longer used does not count.</param>
        public MemoryWatch(bool collects)
        {
            _collects = collects;
            GC.Collect();
            _before = Memory();
            _thread = new Thread(Run) { IsBackground = true, Name = "memory watch" };
            _thread.Start();
        }

        /// <summary>The largest growth that was seen.</summary>
        public long Most { get; private set; }

        public long Samples { get; private set; }

        public double Seconds { get; private set; }

        public void Stop()
        {
            _end.Set();
            _thread.Join();
            Seconds = System.Diagnostics.Stopwatch.GetElapsedTime(_started).TotalSeconds;
        }

        public void Dispose()
        {
            Stop();
            _end.Dispose();
        }

        private void Run()
        {
            do
            {
                Most = Math.Max(Most, Memory() - _before);
                Samples++;
            }
            while (!_end.Wait(Pause));
        }

        // What a collection itself found: by the time that it returns others have made new garbage.
        private long Memory()
        {
            if (!_collects)
            {
                return GC.GetTotalMemory(forceFullCollection: false);
            }

            GC.Collect();
            var found = GC.GetGCMemoryInfo(GCKind.FullBlocking);
            return found.HeapSizeBytes - found.FragmentedBytes;
        }
    }

    private sealed class Progress : IProgress<DatasetProgress>
    {
        public long Reports { get; private set; }

        public void Report(DatasetProgress value)
        {
            Assert.InRange(value.BytesRead, 1, value.TotalBytes);
            Reports++;
        }
    }

    private sealed class StopHalfWay(CancellationTokenSource stop) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value)
        {
            if (2 * value.BytesRead > value.TotalBytes)
            {
                stop.Cancel();
            }
        }
    }
}
