using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>The CPU's own low-rank products against the readable tensor ones, at sizes that are no whole vectors.</summary>
public sealed class LoraGroupTests
{
    [Theory]
    [InlineData(false, 448, 192, 16, new[] { 192, 64, 64 })]
    [InlineData(true, 448, 192, 16, new[] { 192, 64, 64 })]
    [InlineData(false, 37, 1100, 16, new[] { 40 })]
    [InlineData(false, 5, 50, 3, new[] { 300, 7 })]
    [InlineData(true, 1, 48, 80, new[] { 33 })]
    public void VectorGroup_EqualsTensorGroup(bool brain, int tokens, int inFeatures, int rank, int[] outs)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var dtype = brain ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
        using var state = State(inFeatures, rank, outs);
        var parts = outs.Select((width, i) => Part(state, (uint)i, width, inFeatures, dtype)).ToArray();
        var x = Random(dtype, tokens, inFeatures);
        var (output, gradient, inputGradient) = (Random(dtype, tokens, outs.Sum()), Random(dtype, tokens, outs.Sum()), Random(dtype, tokens, inFeatures));

        (torch.Tensor Output, torch.Tensor InputGradient, torch.Tensor Flat) Run(LoraGroup group, bool wanted)
        {
            var flat = torch.ones_like(state.Parameters);
            var pass = new PassContext(new MicroBatchTokens([0], [tokens], new int[tokens], new int[tokens], packed: true), 1, 0, 0, training: true) { FlatGradient = flat };
            var (forward, backward) = (output.clone(), inputGradient.clone());
            group.AddForward(x, forward, pass);
            group.AddBackward(x, gradient, wanted ? backward : null, pass);
            return (forward, backward, flat);
        }

        using var tensors = new TensorLoraGroup(parts, dtype, CpuOperations.Instance);
        using var vectors = new VectorLoraGroup(parts);
        foreach (var wanted in (bool[])[true, false])
        {
            var (expected, seen) = (Run(tensors, wanted), Run(vectors, wanted));
            AssertClose(expected.Output, seen.Output, brain);
            AssertClose(expected.InputGradient, seen.InputGradient, brain);
            AssertClose(expected.Flat, seen.Flat, brain);
        }
    }

    [Fact]
    public void VectorGroup_OfOneToken_HasTheBitsItHasAmongOthers()
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var state = State(192, 16, [64, 64]);
        var parts = (ProjectionPart[])[Part(state, 0, 64, 192, torch.ScalarType.Float32), Part(state, 1, 64, 192, torch.ScalarType.Float32)];
        using var group = new VectorLoraGroup(parts);
        var (x, output) = (Random(torch.ScalarType.Float32, 100, 192), torch.zeros(100, 128));
        var alone = torch.zeros(1, 128);
        var pass = new PassContext(new MicroBatchTokens([0], [100], new int[100], new int[100], packed: true), 1, 0, 0, training: true);
        group.AddForward(x, output, pass);
        group.AddForward(x.narrow(0, 77, 1).clone(), alone, pass);
        Assert.True(alone.Equals(output.narrow(0, 77, 1)));
    }

    /// <summary>Sums of fp64 do not know what was packed with what: two samples in one part give the gradients that they give one after the other.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void VectorGroup_SamplesInOnePart_GiveTheGradientsOfEachAlone(bool brain)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        int[] lengths = [70, 3, 128, 65];
        var dtype = brain ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
        using var state = State(192, 16, [64, 40]);
        var parts = (ProjectionPart[])[Part(state, 0, 64, 192, dtype), Part(state, 1, 40, 192, dtype)];
        using var group = new VectorLoraGroup(parts);
        var (x, gradient) = (Random(dtype, lengths.Sum(), 192), Random(dtype, lengths.Sum(), 104));

        // From the last sample on, as another order would have it.
        var (together, apart) = (Flat(), Flat());
        group.AddBackward(x, gradient, null, Pass(lengths, together));
        for (var (i, end) = (lengths.Length - 1, lengths.Sum()); i >= 0; end -= lengths[i--])
        {
            group.AddBackward(x.narrow(0, end - lengths[i], lengths[i]).clone(), gradient.narrow(0, end - lengths[i], lengths[i]).clone(), null, Pass([lengths[i]], apart));
        }

        Assert.True(together.abs().sum().item<double>() > 0);
        Assert.True(together.to_type(torch.ScalarType.Float32).Equals(apart.to_type(torch.ScalarType.Float32)));

        torch.Tensor Flat() => torch.zeros_like(state.Parameters, torch.ScalarType.Float64);
    }

    private static PassContext Pass(int[] lengths, torch.Tensor flat)
    {
        var tokens = lengths.Sum();
        return new PassContext(new MicroBatchTokens([.. lengths.Select((_, i) => (uint)i)], lengths, new int[tokens], new int[tokens], packed: true), 1, 0, 0, training: true) { FlatGradient = flat };
    }

    private static AdapterState State(int inFeatures, int rank, int[] outs)
    {
        var spec = new StageSpec { Training = true, Constants = new NumericConstants { ChunkElements = 65_536, Seed = 7 }, Optimizer = new OptimizerSpec { Kind = OptimizerKind.Sgd } };
        spec.Adapter.AddRange(outs.Select((width, i) => new AdapterModule { Index = (uint)i, Module = $"m{i}", InFeatures = (uint)inFeatures, OutFeatures = (uint)width, Rank = (uint)rank, Scale = 2 - i }));
        var state = AdapterState.Create(spec, torch.CPU);
        state.Parameters.normal_(0, 0.1);
        return state;
    }

    private static ProjectionPart Part(AdapterState state, uint index, int width, int inFeatures, torch.ScalarType dtype)
        => new(new FrozenWeight(torch.zeros(width, inFeatures, dtype)), null, new LoraPair(state, state.Layout[index, true].Module, null));

    private static torch.Tensor Random(torch.ScalarType dtype, params long[] shape) => torch.randn(shape, generator: new torch.Generator((ulong)shape[0])).to_type(dtype);

    // Against the largest element: rounding is relative to sums, not to what is left of them.
    private static void AssertClose(torch.Tensor expected, torch.Tensor seen, bool brain)
    {
        var difference = (expected - seen).to_type(torch.ScalarType.Float32).abs().max().item<float>();
        var size = expected.to_type(torch.ScalarType.Float32).abs().max().item<float>();
        Assert.InRange(difference / size, 0, brain ? 0.02f : 1e-5f);
    }
}
