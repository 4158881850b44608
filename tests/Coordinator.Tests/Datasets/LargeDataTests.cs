using System.Text;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>A file of any size is prepared in bounded memory, to the same shard every time. ORCHESTRATOR_DATA_MB makes it larger than the suite's 24 MB.</summary>
public sealed class LargeDataTests : IDisposable
{
    private const long MostGrowthBytes = 300L << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Prepare_LargeFile_StaysWithinItsMemoryAndGivesTheSameShard()
    {
        var megabytes = int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_DATA_MB"), out var given) ? given : 24;
        var path = WriteRows(megabytes * 1_000_000L);
        var job = DefaultJob.Spec with { Model = GoldenDatasets.Model("qwen2_chatml"), Output = "/o", Data = DefaultJob.Data with { Train = [path], MaxLength = 100_000 } };
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = new MemoryWatch();
        var first = await DatasetPreparer.PrepareAsync(job, 1415, _folder.At("first"), watch, TestContext.Current.CancellationToken);
        var growth = watch.Most - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{megabytes} MB, {first.Train.Counts.Rows} rows, {first.Train.Shard.Tokens} tokens: {growth >> 20} MiB of growth, {watch.Reports} reports, {watch.Seconds:F1} s");
        Assert.True(growth < MostGrowthBytes, $"{growth >> 20} MiB");
        Assert.True(watch.Reports > megabytes, $"{watch.Reports} reports of progress");
        Assert.Equal(first.Train.Counts.Rows, (long)first.Train.Shard.Samples);

        // One that is given up half-way leaves nothing that changes the next.
        using var stop = new CancellationTokenSource();
        var half = new StopHalfWay(stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DatasetPreparer.PrepareAsync(job, 1415, _folder.At("second"), half, stop.Token));
        Assert.Empty(Directory.GetFiles(_folder.At("second")));
        var second = await DatasetPreparer.PrepareAsync(job, 1415, _folder.At("second"), null, TestContext.Current.CancellationToken);
        Assert.Equal(first.Train.Shard, second.Train.Shard);
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

    private sealed class MemoryWatch : IProgress<DatasetProgress>
    {
        private readonly long _started = System.Diagnostics.Stopwatch.GetTimestamp();

        public long Most { get; private set; }

        public long Reports { get; private set; }

        public double Seconds { get; private set; }

        public void Report(DatasetProgress value)
        {
            Assert.InRange(value.BytesRead, 1, value.TotalBytes);
            Most = Math.Max(Most, GC.GetTotalMemory(forceFullCollection: false));
            Seconds = System.Diagnostics.Stopwatch.GetElapsedTime(_started).TotalSeconds;
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
