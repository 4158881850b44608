using Orchestrator.Coordinator.Adapters;
using Orchestrator.Protos;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>What a pass keeps, counted by its tensors and by the allocator, and that it all goes back.</summary>
[Collection(nameof(AloneCollection))]
public sealed class StageMemoryTests
{
    // Narrow and deep: much is kept for little computing, and one layer's share of it is small. Enough that what the runtime and the library's caches take meanwhile (some
    // megabytes, whatever the size) is far below 5%.
    private const int Samples = 8;
    private const int SampleTokens = 512;
    private const int Layers = 24;
    private const int Hidden = 64;
    private const int Inner = 176;
    private const int Tokens = Samples * SampleTokens;

    // Per token what a layer saves: input, its norm, q k v, attention output, middle, its norm; gate and up, their product.
    private const long SavedOfLayer = (8L * Hidden) + (3L * Inner);

    /// <summary>
    /// "A forward and backward grow memory by at most the saved inputs + 5%" is read so: after the forward, what malloc has handed out has grown by the saved inputs
    /// + 5% (the head's gradient is among these). At its highest, on the way there and during the backward, one layer is at work beside what is kept: the gradients
    /// of gate, up and their product, and four rows a token of the residual stream's width in fp32 (its gradient, its sum, and what a norm and a projection
    /// make of it). That is a constant of a layer's widths, whatever the number of layers: here 3% of the saved inputs, and one more layer's saved inputs are 4%.
    /// </summary>
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.Bf16)]
    public void ForwardAndBackward_KeepTheSavedInputs_AndNoMoreThanOneLayersWorkBeside(DType dtype)
    {
        using var folder = new RandomModel(Hidden, Inner, Layers, heads: 4, vocabulary: 512);
        using var stage = new LoadedStage(Stage(folder, dtype));
        var batch = Batch();
        stage.Gradients(batch, 0.01f);
        stage.Gradients(batch, 0.01f);
        using var gradient = stage.Adapter.NewGradient();

        var size = dtype == DType.F32 ? 4 : 2;
        var saved = Tokens * Layers * SavedOfLayer * size;
        var pass = Undisturbed(() => Measure(stage, batch, gradient), pass => pass.Grown >= saved);
        Assert.Equal(saved, pass.Saved);
        Assert.InRange(pass.Grown, saved, saved * 1.05);
        var most = (saved * 1.05) + (Tokens * ((3L * Inner * size) + (4L * Hidden * sizeof(float))));
        Assert.InRange(pass.HighestForward, pass.Grown * 0.9, most);
        Assert.InRange(pass.HighestBackward, pass.Grown * 0.9, most);
        // Nothing of the pass is left; the library's caches and the runtime may have taken a little.
        Assert.InRange(pass.Left, long.MinValue, saved / 10);
    }

    [Fact]
    public void ForwardAndBackward_WithRecomputation_KeepTheLayerInputsAndOneLayer()
    {
        using var folder = new RandomModel(Hidden, Inner, Layers, heads: 4, vocabulary: 512);
        var spec = Stage(folder, DType.F32);
        spec.Recompute = Recompute.Full;
        using var stage = new LoadedStage(spec);
        stage.Gradients(Batch(), 0.01f);
        using var gradient = stage.Adapter.NewGradient();

        // The layers' inputs and the head's gradient; the runtime itself may take some megabytes meanwhile. Without recomputation it would be 409 MB.
        const long Inputs = (Layers + 1L) * Tokens * Hidden * 4;
        const long Kept = Inputs + 8_000_000;
        var pass = Undisturbed(() => Measure(stage, Batch(), gradient), pass => pass.Grown >= Inputs);
        Assert.InRange(pass.Grown, Inputs, Kept);

        // A layer that runs again saves its own inputs, and needs for each of them the working memory of a layer that does not.
        const long Layer = Tokens * SavedOfLayer * 4;
        Assert.InRange(pass.HighestBackward, Inputs, Kept + (3 * Layer));
    }

    /// <summary>Of a vocabulary that outweighs all else: the logits of one chunk of labels at a time, of the 32 that there are.</summary>
    [Fact]
    public void ForwardAndBackward_OverALargeVocabulary_HoldTheLogitsOfOneChunk()
    {
        const int Vocabulary = 20_000;
        using var folder = new RandomModel(Hidden, Inner, layers: 1, heads: 4, Vocabulary);
        var spec = Stage(folder, DType.F32);
        using var stage = new LoadedStage(spec);
        stage.Gradients(Batch(), 0.01f);
        using var gradient = stage.Adapter.NewGradient();

        var chunk = spec.Constants.LossChunkTokens * Vocabulary * sizeof(float);
        var pass = Undisturbed(() => Measure(stage, Batch(), gradient), pass => pass.Grown >= pass.Saved);
        Assert.InRange(pass.HighestForward, 0, pass.Grown + (4 * chunk));
        Assert.True(Tokens / spec.Constants.LossChunkTokens >= 32, "the logits of all labels would not be seen");
    }

    [Theory]
    [InlineData(Recompute.None, true)]
    [InlineData(Recompute.Full, false)]
    public void MicroBatches_InNumbers_LeaveNoTensorBehind(Recompute recompute, bool packed)
    {
        var folder = GoldenFiles.Model("tinyllama-linear");
        var adapter = TargetModules.Resolve(folder.Spec, new LoraConfig { Rank = 4, Dropout = 0.1, TargetModules = ModuleSelector.AllLinear });
        using var stage = new LoadedStage(GoldenFiles.Stage(folder, Weights.Nf4, adapter, recompute));
        var batch = StageRunTests.Batch(packed);
        stage.Gradients(batch, 0.1f);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (uint i = 0; i < 20; i++)
        {
            stage.Gradients(batch, 0.1f, 1, i);
            stage.Model.Evaluate(batch, null);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    /// <summary>Counted after each layer: the loaded weights, the adapter, and beside them at most one layer in 16 bits.</summary>
    [Fact]
    public void Load_OfAQuantizedModel_HoldsFourBitsAtEveryLayerAndCountsBytes()
    {
        const int LoadedHidden = 512, LoadedInner = 1408, LoadedLayers = 6;
        using var folder = new RandomModel(LoadedHidden, LoadedInner, LoadedLayers, heads: 8, vocabulary: 1024);
        var (before, loaded) = (InUse(), 0L);
        var reports = new List<(StageLoadProgress Progress, long InUse)>();
        using var stage = Undisturbed(
            () =>
            {
                before = InUse();
                reports.Clear();
                var stage = new LoadedStage(Stage(folder, DType.Bf16), new Reports(progress => reports.Add((progress, InUse() - before))));
                loaded = InUse() - before;
                return stage;
            },
            _ => loaded >= 0 && reports.TrueForAll(report => report.InUse >= 0));
        var adapter = (3 * stage.Adapter.Parameters.numel() * 4) + 2_000_000;
        const long Layer = 2L * ((4 * LoadedHidden * LoadedHidden) + (3 * LoadedHidden * LoadedInner));
        Assert.True(LoadedLayers * Layer > adapter + (2 * Layer), "a whole model in 16 bits would not be seen");
        Assert.Equal(folder.Bytes, stage.Model.Sources.Read);
        Assert.Equal((uint)LoadedLayers, reports[^1].Progress.LayersLoaded);
        Assert.All(reports, report => Assert.InRange(report.InUse, 0, (long)report.Progress.ResidentBytes + Layer + adapter));
        Assert.True(reports.Select(report => report.Progress.Sources.Read).SequenceEqual(reports.Select(report => report.Progress.Sources.Read).Order()));
        Assert.InRange(loaded, 0, (long)stage.Model.ResidentBytes + adapter);
        Assert.True(stage.Model.ResidentBytes < folder.Bytes / 2);
    }

    internal static StageSpec Stage(RandomModel folder, DType dtype)
    {
        var adapter = TargetModules.Resolve(folder.Folder.Spec, new LoraConfig { Rank = 8, Alpha = 16, TargetModules = ModuleSelector.AllLinear });
        var spec = GoldenFiles.Stage(folder.Folder, Weights.Nf4Double, adapter, attentionBlock: 128);
        spec.Constants.ComputeDtype = dtype;
        spec.Constants.LossChunkTokens = 128;
        return spec;
    }

    private static MicroBatchTokens Batch()
    {
        var ids = Enumerable.Range(0, Tokens).Select(i => i * 7 % 500).ToArray();
        return new MicroBatchTokens([.. Enumerable.Range(0, Samples).Select(i => (uint)i)], [.. Enumerable.Repeat(SampleTokens, Samples)], ids, ids, packed: true);
    }

    private static (long Saved, long Grown, long HighestForward, long HighestBackward, long Left) Measure(LoadedStage stage, MicroBatchTokens batch, torch.Tensor gradient)
    {
        var before = InUse();
        using var run = stage.Model.BeginTraining(batch, 1, 0, 0.01f);
        var highestForward = MemoryPeak.During(() => run.Forward(null)) - before;
        var grown = InUse() - before;
        var highestBackward = MemoryPeak.During(() => run.Backward(null, gradient)) - before;
        return (run.SavedBytes, grown, highestForward, highestBackward, InUse() - before);
    }

    // A reading below what surely is held saw memory of an earlier test go: timers hold some for seconds. It is taken again.
    private static T Undisturbed<T>(Func<T> measure, Predicate<T> isWhole)
    {
        for (var tries = 1; ; tries++)
        {
            var measured = measure();
            if (isWhole(measured) || tries == 5)
                return measured;
            (measured as IDisposable)?.Dispose();
        }
    }

    // What tests before this one left is let go in turns: a finalizer frees what another object held.
    private static long InUse()
    {
        var (last, since) = (long.MaxValue, 0);
        for (var round = 0; round < 100 && since < 3; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(10);
            var now = MemoryPeak.InUse();
            since = Math.Abs(now - last) < 100_000 ? since + 1 : 0;
            last = now;
        }

        return last;
    }

    private sealed class Reports(Action<StageLoadProgress> told) : IProgress<StageLoadProgress>
    {
        public void Report(StageLoadProgress value) => told(value);
    }
}
