using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Tests.Adapters;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Checkpoints;

/// <summary>State written by one cut of the layers and read by another.</summary>
public sealed class StateBlobsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("state-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Layers 0 to 3, of which layer 2 has no adapter; odd sizes, so that there is padding between parameters.</summary>
    private static AdapterModule[] Modules { get; } =
        [Module(0, layer: 0, 6, 5), Module(1, layer: 0, 7, 3), Module(2, layer: 1, 5, 9), Module(3, layer: 3, 3, 4), Module(4, layer: 3, 8, 8)];

    [Theory]
    [InlineData("0 1 2 3 4")]
    [InlineData("0 1|2|3 4")]
    [InlineData("0 1 2|3 4")]
    public void Fill_FromAnyCut_GivesTheSameBits(string cuts)
    {
        string[] stages = cuts.Split('|');
        using var whole = Trained(Modules);
        var written = stages.SelectMany(stage => Write(whole, stage, Path.Combine(_folder, "cut"))).ToList();
        var atOnce = StateBlobs.Write(Path.Combine(_folder, "whole"), Snapshot(whole), TestContext.Current.CancellationToken);

        Assert.Equal(atOnce, written);
        using var again = AdapterState.Create(AdapterStateTests.Stage(Modules), torch.CPU);
        StateRestore.Fill(again, Saved("cut", written));
        Assert.Equal(whole.Hash(), again.Hash());
        foreach (var stage in stages)
        {
            var modules = Pick(stage);
            using var part = AdapterState.Create(AdapterStateTests.Stage(modules), torch.CPU);
            StateRestore.Fill(part, Saved("whole", atOnce));
            using var expected = Part(whole, modules);
            Assert.Equal(expected.Hash(), part.Hash());
        }
    }

    /// <summary>What stages report adds up to the same, whatever they are cut into; layers that swap their states, or a single word, change it.</summary>
    [Fact]
    public void Hash_OfTheStagesOfAnyCut_AddsUpToTheWholes()
    {
        using var whole = Trained(Modules);
        foreach (var cut in (string[])["0 1|2|3 4", "0 1 2|3 4", "0 1|2 3 4"])
        {
            var sum = default(StateHash);
            foreach (var stage in cut.Split('|'))
            {
                using var part = Part(whole, Pick(stage));
                using var snapshot = Snapshot(part);
                Assert.Equal(part.Hash(), snapshot.Hash());
                sum += LayerStates.HashOf(snapshot.Layout, snapshot.Flats);
            }

            Assert.Equal(whole.Hash(), sum.ToBytes());
        }
    }

    [Fact]
    public void Hash_WithOneWordChanged_IsAnother()
    {
        using var whole = Trained(Modules);
        var before = whole.Hash();
        foreach (var flat in whole.Moments.Prepend(whole.Parameters))
        {
            foreach (var parameter in whole.Layout.Parameters)
            {
                var last = (int)(parameter.Offset + parameter.Length - 1);
                var value = TensorMemory.Floats(flat)[last];
                TensorMemory.Floats(flat)[last] = MathF.BitIncrement(value);
                Assert.NotEqual(before, whole.Hash());
                TensorMemory.Floats(flat)[last] = value;
            }
        }

        // Parameters and moments change places: the same words, but not where they were.
        using var swapped = Trained(Modules);
        using (torch.no_grad())
        {
            swapped.Parameters.copy_(whole.Moments[0]);
            swapped.Moments[0].copy_(whole.Parameters);
        }

        Assert.NotEqual(before, swapped.Hash());
    }

    /// <summary>The views that the model computes with see the values, which must not need a gradient of their own.</summary>
    [Fact]
    public void Fill_OfAStage_IsSeenByItsModules()
    {
        using var whole = Trained(Modules);
        var blobs = StateBlobs.Write(_folder, Snapshot(whole), TestContext.Current.CancellationToken);
        using var again = AdapterState.Create(AdapterStateTests.Stage(Modules), torch.CPU);
        StateRestore.Fill(again, Saved("", blobs));
        Assert.True(again.B(4).allclose(whole.B(4), 0, 0));
        Assert.True(again.A(0).requires_grad);
    }

    [Fact]
    public void Fill_FromABlobWithAFlippedBit_IsRefused()
    {
        using var state = Trained(Modules);
        var blobs = StateBlobs.Write(_folder, Snapshot(state), TestContext.Current.CancellationToken);
        var path = Path.Combine(_folder, CheckpointFolders.FileOf(blobs[1].Sha256));
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<BlobFormatException>(() => StateRestore.Fill(state, Saved("", blobs)));
    }

    [Fact]
    public void Fill_FromBlobsThatDoNotFit_IsRefusedInOneSentence()
    {
        using var state = Trained(Modules);
        var blobs = StateBlobs.Write(_folder, Snapshot(state), TestContext.Current.CancellationToken);
        Assert.Matches("holds no state of layer 3", Refusal(Modules, blobs.Take(2)));
        AdapterModule[] wider = [Module(0, 0, 6, 5), Module(1, 0, 7, 4)];
        Assert.Matches(@"tensor 'm1\.lora_B\.weight' is F32 \[3, 2\] where the adapter has F32 \[4, 2\]", Refusal(wider, blobs));
    }

    private string Refusal(AdapterModule[] modules, IEnumerable<StateBlob> blobs)
    {
        using var state = AdapterState.Create(AdapterStateTests.Stage(modules), torch.CPU);
        return Assert.Throws<WorkerFaultException>(() => StateRestore.Fill(state, Saved("", blobs))).Message;
    }

    private static IReadOnlyList<StateBlob> Write(AdapterState whole, string stage, string folder)
    {
        using var part = Part(whole, Pick(stage));
        return StateBlobs.Write(folder, Snapshot(part), TestContext.Current.CancellationToken);
    }

    private static AdapterSnapshot Snapshot(AdapterState state) => state.Snapshot(7);

    private SavedState Saved(string folder, IEnumerable<StateBlob> blobs) => new() { Folder = Path.Combine(_folder, folder), Step = 7, Blobs = { blobs } };

    private static AdapterModule[] Pick(string stage) => [.. stage.Split(' ').Select(index => Modules[int.Parse(index)])];

    private static AdapterModule Module(uint index, uint layer, uint inFeatures, uint outFeatures)
    {
        var module = AdapterStateTests.Module(index, inFeatures, outFeatures, 2, 2 * index);
        module.Layer = layer;
        return module;
    }

    /// <summary>A state whose every value is different.</summary>
    private static AdapterState Trained(AdapterModule[] modules)
    {
        var state = AdapterState.Create(AdapterStateTests.Stage(modules), torch.CPU);
        var value = 1e-3f;
        foreach (var flat in state.Moments.Prepend(state.Parameters))
        {
            var values = TensorMemory.Floats(flat);
            foreach (var parameter in state.Layout.Parameters)
            {
                for (var i = 0; i < parameter.Length; i++)
                    values[(int)parameter.Offset + i] = value += 1e-3f;
            }
        }

        return state;
    }

    /// <summary>The state of some modules of a whole one.</summary>
    private static AdapterState Part(AdapterState whole, AdapterModule[] modules)
    {
        var part = AdapterState.Create(AdapterStateTests.Stage(modules), torch.CPU);
        foreach (var (from, to) in whole.Moments.Prepend(whole.Parameters).Zip(part.Moments.Prepend(part.Parameters)))
        {
            foreach (var parameter in part.Layout.Parameters)
            {
                var source = whole.Layout[parameter.Module.Index, parameter.IsA];
                TensorMemory.Floats(from).Slice((int)source.Offset, (int)source.Length).CopyTo(TensorMemory.Floats(to)[(int)parameter.Offset..]);
            }
        }

        return part;
    }
}
