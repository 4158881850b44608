using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Protos;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>What a pass keeps, counted by its tensors and by the allocator, and that it all goes back.</summary>
[Collection(nameof(AloneCollection))]
public sealed partial class StageMemoryTests
{
    // Enough that what the runtime and the library's caches take meanwhile (some megabytes, whatever the size) is far below 5%.
    private const int Samples = 8;
    private const int SampleTokens = 512;
    private const int Tokens = Samples * SampleTokens;

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.Bf16)]
    public void Forward_KeepsTheSavedInputs_AndNoMore(DType dtype)
    {
        using var folder = new RandomModel(hidden: 256, inner: 704, layers: 6, heads: 4, vocabulary: 2048);
        using var stage = new LoadedStage(Stage(folder, dtype));
        var batch = Batch();
        stage.Gradients(batch, 0.01f);
        stage.Gradients(batch, 0.01f);
        using var gradient = stage.Adapter.NewGradient();
        var before = InUse();
        using var run = stage.Model.BeginTraining(batch, 1, 0, 0.01f);
        run.Forward(null);
        var grown = InUse() - before;

        // Per token and layer: input, its norm, q k v, attention output, middle, its norm, gate and up, their product.
        var perToken = 6 * ((8 * 256) + (3 * 704));
        var saved = (long)Tokens * perToken * (dtype == DType.F32 ? 4 : 2);
        Assert.Equal(saved, run.SavedBytes);
        Assert.InRange(grown, saved, saved * 1.05);
        run.Backward(null, gradient);
        // Nothing of the pass is left; the library's caches and the runtime may have taken a little.
        Assert.InRange(InUse() - before, long.MinValue, saved / 10);
    }

    [Fact]
    public void Forward_WithRecomputation_KeepsTheLayerInputs()
    {
        using var folder = new RandomModel(hidden: 256, inner: 704, layers: 6, heads: 4, vocabulary: 2048);
        var spec = Stage(folder, DType.F32);
        spec.Recompute = Recompute.Full;
        using var stage = new LoadedStage(spec);
        stage.Gradients(Batch(), 0.01f);
        var before = InUse();
        using var run = stage.Model.BeginTraining(Batch(), 1, 0, 0.01f);
        run.Forward(null);

        // The layers' inputs and the head's gradient; the runtime itself may take some megabytes meanwhile. Without recomputation it would be 409 MB.
        Assert.InRange(InUse() - before, 0, (7L * Tokens * 256 * 4) + 8_000_000);
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

    [Fact]
    public void Load_OfAQuantizedModel_HoldsFourBitsAndCountsBytes()
    {
        using var folder = new RandomModel(hidden: 512, inner: 1408, layers: 6, heads: 8, vocabulary: 1024);
        var before = InUse();
        var reports = new List<StageLoadProgress>();
        using var stage = new LoadedStage(Stage(folder, DType.Bf16), new Reports(reports));
        Assert.Equal(folder.Bytes, stage.Model.BaseBytesRead);
        Assert.Equal(6U, reports[^1].LayersLoaded);
        Assert.True(reports.Select(report => report.BaseBytesRead).SequenceEqual(reports.Select(report => report.BaseBytesRead).Order()));
        Assert.InRange(InUse() - before, 0, (long)stage.Model.ResidentBytes + (3 * stage.Adapter.Parameters.numel() * 4) + 2_000_000);
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
        var ids = Enumerable.Range(0, Tokens).Select(i => i * 7 % 2000).ToArray();
        return new MicroBatchTokens([.. Enumerable.Range(0, Samples).Select(i => (uint)i)], [.. Enumerable.Repeat(SampleTokens, Samples)], ids, ids, packed: true);
    }

    /// <summary>Bytes that malloc has handed out, in all arenas and by mmap.</summary>
    private static long InUse()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var info = Mallinfo2();
        return (long)(info.InUse + info.Mapped);
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial MallocInfo Mallinfo2();

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MallocInfo
    {
        private readonly nuint _arena;
        private readonly nuint _freeChunks;
        private readonly nuint _fastChunks;
        private readonly nuint _mappings;
        public readonly nuint Mapped;
        private readonly nuint _unused;
        private readonly nuint _fastBytes;
        public readonly nuint InUse;
        private readonly nuint _freeBytes;
        private readonly nuint _top;
    }

    private sealed class Reports(List<StageLoadProgress> list) : IProgress<StageLoadProgress>
    {
        public void Report(StageLoadProgress value) => list.Add(value);
    }
}

/// <summary>Tests that look at the whole process: nothing runs beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
