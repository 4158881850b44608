using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Tests.Models;

namespace Orchestrator.Worker.Tests.BaseCache;

/// <summary>A stage that is loaded again by way of the cache.</summary>
public sealed class CachedStageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cached-stage-").FullName;
    private readonly RandomModel _model = new(hidden: 64, inner: 160, layers: 3, heads: 4, vocabulary: 128);

    public void Dispose()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(Weights.Nf4)]
    [InlineData(Weights.Nf4Double)]
    public void Load_Again_ReadsNothingThatWasQuantizedAndHasTheSameBits(Weights weights)
    {
        var spec = GoldenFiles.Stage(_model.Folder, weights);
        var (plain, read) = Load(spec, null);
        var (first, firstRead) = Load(spec, "first");
        var (second, secondRead) = Load(spec, "second");
        Assert.Equal(plain, first);
        Assert.Equal(plain, second);
        Assert.Equal((Bytes(spec, _ => true), 0UL), (read.Read, read.Cached));
        Assert.Equal(read, firstRead);
        Assert.Equal(Bytes(spec, slice => !slice.Quantize), secondRead.Read);
        Assert.InRange(secondRead.Cached, Bytes(spec, slice => slice.Quantize) / 5, Bytes(spec, slice => slice.Quantize) / 3);
    }

    /// <summary>Another cut of the model finds its layers, for a weight is a blob.</summary>
    [Fact]
    public void Load_OfOtherLayersThanBefore_FindsThoseThatWereKept()
    {
        Load(GoldenFiles.Stage(_model.Folder, Weights.Nf4, first: 0, last: 0), "first");
        using var stage = new LoadedStage(GoldenFiles.Stage(_model.Folder, Weights.Nf4), baseLoad: new BaseWeightCache(_folder).Begin("second"));
        var quantized = Bytes(stage.Model.Spec, slice => slice.Quantize);
        Assert.Equal(Bytes(stage.Model.Spec, _ => true) - (quantized / 3), stage.Model.Sources.Read);
    }

    [Fact]
    public void Load_OfAFileThatWasChanged_ReadsItAgain()
    {
        var spec = GoldenFiles.Stage(_model.Folder, Weights.Nf4);
        Load(spec, "first");
        File.SetLastWriteTimeUtc(spec.Base[0].File, DateTime.UtcNow + TimeSpan.FromMinutes(1));
        Assert.Equal((Bytes(spec, _ => true), 0UL), Load(spec, "second").Sources switch { var sources => (sources.Read, sources.Cached) });
    }

    /// <summary>A file whose time changes while it is read: what was read may be of both contents.</summary>
    [Fact]
    public void Load_OfAFileThatIsBeingWritten_DoesNotKeepWhatItRead()
    {
        var spec = GoldenFiles.Stage(_model.Folder, Weights.Nf4);
        var weights = spec.Base.Count(slice => slice.Quantize);
        using var ended = new CancellationTokenSource();
        var time = DateTime.UtcNow;
        var writer = new Thread(() =>
        {
            while (!ended.IsCancellationRequested)
                File.SetLastWriteTimeUtc(spec.Base[0].File, time += TimeSpan.FromMilliseconds(1));
        });
        writer.Start();
        try
        {
            // One load may fall into a pause of the writer.
            Assert.Contains(Enumerable.Range(0, 100), i =>
            {
                var folder = Path.Combine(_folder, $"{i}");
                new LoadedStage(spec, baseLoad: new BaseWeightCache(folder).Begin("first")).Dispose();
                return !Directory.Exists(folder) || Directory.GetFiles(folder, "*.blob", SearchOption.AllDirectories).Length < weights;
            });
        }
        finally
        {
            ended.Cancel();
            writer.Join();
        }
    }

    /// <summary>The cache saves work; it makes no wrong description right.</summary>
    [Fact]
    public void Load_OfABadSlice_IsRefusedAsWithoutACache()
    {
        var spec = GoldenFiles.Stage(_model.Folder, Weights.Nf4);
        Load(spec, "first");
        var slice = spec.Base.First(slice => slice.Quantize);
        slice.Shape[0]++;
        var fault = Assert.Throws<WorkerFaultException>(() => Load(spec, "second"));
        Assert.Equal(ErrorCode.BadData, fault.Code);
        Assert.Contains(slice.Name, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2_000_000_000UL, 0UL, "2.00 GB read from the model's files")]
    [InlineData(0UL, 3_500_000UL, "3.5 MB from the cache")]
    [InlineData(1_500UL, 3_500_000UL, "3.5 MB from the cache, 1.5 kB read from the model's files")]
    public void Sources_ForAPerson_SayWhereFrom(ulong read, ulong cached, string words) => Assert.Equal(words, new BaseSources(read, cached, 0).ToString());

    private (float[] Logits, BaseSources Sources) Load(StageSpec spec, string? origin)
    {
        using var stage = new LoadedStage(spec, baseLoad: origin is null ? null : new BaseWeightCache(_folder).Begin(origin));
        if (!spec.Head)
            return ([], stage.Model.Sources);
        int[] ids = [5, 9, 1, 100, 64, 3];
        return (stage.Logits(new MicroBatchTokens([0], [ids.Length], ids, ids, packed: true)), stage.Model.Sources);
    }

    private static ulong Bytes(StageSpec spec, Func<TensorSlice, bool> which) => spec.Base.Where(which).Aggregate(0UL, (sum, slice) => sum + slice.Length);
}
