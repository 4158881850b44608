using Orchestrator.Protos;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

public sealed class ProjectionGroupTests
{
    private const int Tokens = 32;
    private const int InFeatures = 64;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Bits_WithWeightsDequantizedOnce_AreThoseOfWeightsDequantizedAtEveryUse(bool brain)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var dtype = brain ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
        using var buffer = new WeightBuffer(torch.CPU, dtype);
        using var kept = new ProjectionGroup(Parts(), buffer, dtype, CpuOperations.Instance, keepDense: true);
        Assert.Equal(0, buffer.Bytes);
        using var again = new ProjectionGroup(Parts(), buffer, dtype, CpuOperations.Instance, keepDense: false);
        Assert.Equal(again.Bytes + buffer.Bytes, kept.Bytes);

        var x = torch.randn([Tokens, InFeatures], generator: new torch.Generator(1)).to_type(dtype);
        var pass = new PassContext(new MicroBatchTokens([0], [Tokens], new int[Tokens], new int[Tokens], packed: true), 1, 0, 0, training: true);
        var output = kept.Forward(x, pass);
        Assert.True(output.abs().sum().ToSingle() > 0);
        Assert.True(output.Equals(again.Forward(x, pass)));
        Assert.True(kept.Backward(x, output, pass, inputGradientNeeded: true)!.Equals(again.Backward(x, output, pass, inputGradientNeeded: true)!));
    }

    private static ProjectionPart[] Parts() => [Part(48, 2), Part(16, 3)];

    private static unsafe ProjectionPart Part(int rows, ulong seed)
    {
        using var values = torch.randn([rows, InFeatures], generator: new torch.Generator(seed));
        var matrix = QuantizedMatrix.Quantize(TensorMemory.Pointer(values), values.numel() * sizeof(float), DType.F32, [rows, InFeatures], new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 64 }, "weight");
        return new ProjectionPart(new FrozenWeight(QuantizedWeight.Create(matrix, torch.CPU)), null, null);
    }
}
