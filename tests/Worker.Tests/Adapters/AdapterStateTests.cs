using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Adapters;

public sealed class AdapterStateTests
{
    [Fact]
    public void Layout_TwoModules_AlignsParametersAndNumbersChunks()
    {
        var layout = AdapterLayout.Create([Module(3, 5, 7, 2, 100), Module(4, 40, 8, 4, 104)], 64);
        Assert.Equal([0, 16, 32, 192], layout.Parameters.Select(p => p.Offset));
        Assert.Equal(224, layout.NumElements);
        Assert.Equal((2 * 5) + (2 * 7) + (4 * 40) + (4 * 8), layout.Parameters.Sum(parameter => parameter.Length));
        Assert.Equal(
            [new(100, 0, 10), new(101, 16, 14), new(104, 32, 64), new(105, 96, 64), new(106, 160, 32), new AdapterChunk(107, 192, 32)],
            layout.Chunks);
        Assert.Equal("m4.lora_B.weight", layout[4, false].Name);
    }

    [Fact]
    public void Create_Fresh_HasUniformAAndZeroBWhateverTheCut()
    {
        using var whole = AdapterState.Create(Stage(Module(0, 4096, 8, 16, 0), Module(1, 33, 8, 3, 9)), torch.CPU);
        using var part = AdapterState.Create(Stage(Module(1, 33, 8, 3, 9)), torch.CPU);
        Assert.Equal(TensorMemory.Floats(part.A(1)), TensorMemory.Floats(whole.A(1)));
        Assert.Equal(-1, TensorMemory.Floats(whole.B(0)).IndexOfAnyExcept(0f));
        var a = TensorMemory.Floats(whole.A(0)).ToArray();
        Assert.InRange(a.Max(), 0.99f / 64, 1f / 64);
        Assert.InRange(a.Min(), -1f / 64, -0.99f / 64);
        Assert.InRange(a.Average(), -1e-4, 1e-4);
        Assert.InRange(a.Average(x => (double)x * x), 0.98 / (3 * 4096), 1.02 / (3 * 4096));
    }

    /// <summary>Equal shapes, so that nothing but module and seed can make a difference.</summary>
    [Fact]
    public void Create_Fresh_GivesEveryModuleAndEverySeedValuesOfTheirOwn()
    {
        float[] Of(ulong seed, uint module)
        {
            var stage = Stage(Module(0, 64, 8, 4, 0), Module(1, 64, 8, 4, 2));
            stage.Constants.Seed = seed;
            using var state = AdapterState.Create(stage, torch.CPU);
            return TensorMemory.Floats(state.A(module)).ToArray();
        }

        Assert.Equal(Of(42, 0), Of(42, 0));
        Assert.NotEqual(Of(42, 0), Of(42, 1));
        Assert.NotEqual(Of(42, 0), Of(43, 0));
    }

    [Fact]
    public void Views_AreLeavesThatFollowTheFlatBuffer()
    {
        using var state = AdapterState.Create(Stage(Module(0, 6, 4, 2, 0)), torch.CPU);
        Assert.True(state.A(0).requires_grad && state.A(0).is_leaf && state.B(0).requires_grad);
        using (torch.no_grad())
            state.Parameters.zero_().Add(2);
        Assert.Equal(2f, state.A(0)[1, 5].item<float>());
        using var x = torch.ones(3, 6);
        using var loss = torch.nn.functional.linear(torch.nn.functional.linear(x, state.A(0)), state.B(0)).sum();
        loss.backward();
        Assert.Equal(3 * 4 * 2f, state.A(0).grad![0, 0].item<float>());
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.Bf16)]
    [InlineData(DType.F16)]
    public void Create_FromSlices_ReadsTheFilesValues(DType type)
    {
        var path = Path.GetTempFileName();
        try
        {
            float[] values = [1, -2, 0.5f, 1024, -0.25f, 3, 7, 0];
            byte[] bytes = type switch
            {
                DType.F32 => MemoryMarshal.AsBytes<float>(values).ToArray(),
                DType.Bf16 => MemoryMarshal.AsBytes<ushort>(values.Select(v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)).ToArray()).ToArray(),
                _ => MemoryMarshal.AsBytes<Half>(values.Select(v => (Half)v).ToArray()).ToArray(),
            };
            File.WriteAllBytes(path, [1, 2, 3, .. bytes]);
            var module = Module(0, 4, 3, 2, 0);
            module.InitialA = new TensorSlice { Name = "a", File = path, Offset = 3, Length = (ulong)bytes.Length, Dtype = type, Shape = { 2, 4 } };
            using var state = AdapterState.Create(Stage(module), torch.CPU);
            Assert.Equal(values, TensorMemory.Floats(state.A(0)).ToArray());

            module.InitialA.Offset += 1;
            var error = Assert.Throws<WorkerFaultException>(() => AdapterState.Create(Stage(module), torch.CPU));
            Assert.Equal(ErrorCode.BadData, error.Code);
            Assert.Contains("cut off", error.Message, StringComparison.Ordinal);
            module.InitialA.Shape[0] = 3;
            Assert.Contains("shape", Assert.Throws<WorkerFaultException>(() => AdapterState.Create(Stage(module), torch.CPU)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Snapshot_OfAStateThatChangesLater_KeepsItsBits()
    {
        using var state = AdapterState.Create(Stage(Module(0, 6, 4, 2, 0)), torch.CPU);
        var before = state.Hash();
        using var snapshot = state.Snapshot(7);
        Assert.Equal(7UL, snapshot.Step);
        Assert.Equal(before, snapshot.Hash());
        using (torch.no_grad())
            state.Moments[1].Add(1e-9);
        Assert.NotEqual(before, state.Hash());
        Assert.Equal(before, snapshot.Hash());
    }

    [Fact]
    public void Create_StageWithoutAdapter_IsEmpty()
    {
        using var state = AdapterState.Create(Stage(), torch.CPU);
        Assert.Empty(state.Layout.Chunks);
        Assert.Equal(16, state.Hash().Length);
        using var snapshot = state.Snapshot(0);
        Assert.Equal(state.Hash(), snapshot.Hash());
    }

    /// <summary>Computed anew.</summary>
    internal static byte[] HashOf(AdapterSnapshot snapshot) => LayerStates.HashOf(snapshot.Layout, snapshot.Flats).ToBytes();

    internal static AdapterModule Module(uint index, uint inFeatures, uint outFeatures, uint rank, uint firstChunk) => new()
    {
        Module = $"m{index}",
        Index = index,
        InFeatures = inFeatures,
        OutFeatures = outFeatures,
        Rank = rank,
        FirstChunk = firstChunk,
        Scale = 1,
    };

    internal static StageSpec Stage(params AdapterModule[] modules) => new()
    {
        Adapter = { modules },
        Constants = new NumericConstants { ChunkElements = 65536, Seed = 42 },
        Optimizer = new OptimizerSpec { Kind = OptimizerKind.Adamw, Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8 },
        Training = true,
    };
}
