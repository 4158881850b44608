using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>The CPU's one-pass operations against the readable torch ones.</summary>
public sealed class FusedOperationsTests
{
    private const int Tokens = 9;

    public static TheoryData<bool, int> Shapes() => new() { { false, 64 }, { false, 50 }, { true, 64 }, { true, 50 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void RmsNorm_OnTheCpu_EqualsTorch(bool brain, int width)
    {
        using var scope = torch.NewDisposeScope();
        var (x, weight, dy) = (Random(brain, Tokens, width), Random(brain, width), Random(brain, Tokens, width));
        AssertSame(o => o.RmsNorm(x, weight, 1e-5f), brain);
        AssertSame(o => o.RmsNormBackward(x, weight, 1e-5f, dy), brain);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void SwiGlu_OnTheCpu_EqualsTorch(bool brain, int width)
    {
        using var scope = torch.NewDisposeScope();
        var (x, dy) = (Random(brain, Tokens, 2 * width), Random(brain, Tokens, width));
        AssertSame(o => o.SwiGlu(x), brain);
        AssertSame(o => o.SwiGluBackward(x, dy), brain);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Add_OnTheCpu_HasTorchsBits(bool brain, int width)
    {
        using var scope = torch.NewDisposeScope();
        var (sum, term) = (Random(brain, 300, width), Random(brain, 300, width).Times(0.3));
        torch.Tensor Added(FusedOperations operations)
        {
            var result = sum.clone();
            operations.Add(result, term);
            return result;
        }

        Assert.True(Added(TorchOperations.Instance).Equals(Added(CpuOperations.Instance)));
    }

    [Theory]
    [InlineData(false, 64, 1)]
    [InlineData(true, 64, 2)]
    [InlineData(false, 12, 3)]
    public void Heads_OnTheCpu_EqualTorch(bool brain, int headDim, int group)
    {
        using var scope = torch.NewDisposeScope();
        var heads = new HeadRange(1, 2, group, headDim);
        var projected = Random(brain, Tokens, (heads.Groups * group * headDim) + (2 * headDim));
        var angles = Random(false, Tokens, headDim);
        AssertSame(o => o.TakeHeads(projected, heads, angles), brain);
        AssertSame(o => o.TakeHeads(projected, heads, null), brain);
        var values = Random(brain, heads.Groups, Tokens, group * headDim);
        AssertSame(
            o =>
            {
                var target = projected.clone();
                o.PutHeads(values, target, heads, angles);
                return target;
            },
            brain);
    }

    [Theory]
    [InlineData(false, 0, 1)]
    [InlineData(true, 0, 2)]
    [InlineData(false, 5, 3)]
    public void AttentionWeights_OnTheCpu_EqualTorch(bool brain, int window, int group)
    {
        using var scope = torch.NewDisposeScope();
        var block = new AttentionBlock(FirstQuery: 20, group, FirstKey: window == 0 ? 0 : 16, window);
        var keys = 20 + 4 - block.FirstKey;
        var (scores, dy) = (Random(brain, 3, 4 * group, keys), Random(brain, 3, 4 * group, keys));
        torch.Tensor Weights(FusedOperations o)
        {
            var weights = scores.clone();
            o.AttentionWeights(weights, block, 0.3f);
            return weights;
        }

        AssertSame(Weights, brain);
        AssertSame(
            o =>
            {
                var gradient = dy.clone();
                o.AttentionWeightsBackward(Weights(TorchOperations.Instance), gradient, block, 0.3f);
                return gradient;
            },
            brain);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CrossEntropy_OnTheCpu_EqualsTorch(bool brain)
    {
        using var scope = torch.NewDisposeScope();
        var logits = Random(brain, 5, 77).Times(10);
        int[] labels = [3, 76, 0, 16, 40];
        AssertSame(
            o =>
            {
                var gradient = logits.clone();
                var logs = new float[5];
                o.CrossEntropy(gradient, labels, logs, 0.25f);
                return torch.cat([gradient.to_type(torch.ScalarType.Float32).flatten(), torch.tensor(logs)], 0);
            },
            brain);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(24)]
    [InlineData(5)]
    public void Attention_OfAnyBlockSize_EqualsTheWholeMatrix(int window)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var pass = new PassContext(new MicroBatchTokens([0, 1], [37, 6], new int[43], new int[43], packed: true), 0, 0, 0, training: false);
        var projected = Random(false, 43, (4 + 2 + 2) * 8);
        var dy = Random(false, 43, 4 * 8);
        (torch.Tensor Output, torch.Tensor Gradient) Run(int blockSize)
        {
            var attention = new BlockedAttention(ProjectedHeads.Of(4, 2, 8), window, blockSize, CpuOperations.Instance);
            var heads = attention.Split(projected, pass);
            var gradient = torch.empty_like(projected);
            attention.Backward(heads, dy, gradient, pass);
            return (attention.Forward(heads, pass), gradient);
        }

        var (whole, blocked) = (Run(64), Run(8));
        Assert.True(Difference(whole.Output, blocked.Output) < 1e-5);
        Assert.True(Difference(whole.Gradient, blocked.Gradient) < 1e-5);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 20)]
    [InlineData(false, 150)]
    [InlineData(true, 0)]
    public void VectorAttention_EqualsBlockedAttention(bool brain, int window)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var heads = ProjectedHeads.Of(6, 2, 32);
        using var rotary = new RotaryTable(Enumerable.Range(0, 16).Select(i => MathF.Pow(10_000, -i / 16f)), 1, torch.CPU);
        int[] lengths = brain ? [37, 1, 256, 64] : [37, 1, 256, 601, 64];
        var tokens = lengths.Sum();
        var pass = new PassContext(new MicroBatchTokens([.. Enumerable.Range(0, lengths.Length).Select(i => (uint)i)], lengths, new int[tokens], new int[tokens], packed: true), 0, 0, 0, training: false) { Angles = rotary.AnglesOf(lengths, tokens) };
        var (projected, dy) = (Random(brain, tokens, heads.Columns), Random(brain, tokens, heads.Queries.Columns));
        var (blocked, fused) = (new BlockedAttention(heads, window, 128, CpuOperations.Instance), new VectorAttention(heads, window));
        Assert.True(VectorAttention.Fits(heads, projected.dtype, lengths));
        var split = blocked.Split(projected, pass);
        var (wanted, seen) = (torch.empty_like(projected), torch.empty_like(projected));
        blocked.Backward(split, dy, wanted, pass);
        fused.Backward(projected, dy, seen, pass);
        AssertClose(blocked.Forward(split, pass), fused.Forward(projected, pass), brain ? 1f / 64 : 2e-6f);
        AssertClose(wanted, seen, brain ? 1f / 64 : 2e-6f);
    }

    /// <summary>Memory is used again and again: what a step without numbers left there reaches no later one.</summary>
    [Fact]
    public void VectorAttention_AfterValuesThatAreNoNumbers_ReadsNoneOfThem()
    {
        using var scope = torch.NewDisposeScope();
        var heads = ProjectedHeads.Of(6, 2, 32);
        using var rotary = new RotaryTable(Enumerable.Range(0, 16).Select(i => MathF.Pow(10_000, -i / 16f)), 1, torch.CPU);
        var attention = new VectorAttention(heads, window: 0);
        // As much memory as the shorter samples take, all of it written.
        var (full, part) = (Enumerable.Repeat(48, 16).ToArray(), Enumerable.Repeat(37, 16).ToArray());
        Attend(full, Random(false, full.Sum(), heads.Columns).Scale(double.NaN));

        Assert.All(Attend(part, Random(false, part.Sum(), heads.Columns)).data<float>().ToArray(), value => Assert.True(float.IsFinite(value)));

        torch.Tensor Attend(int[] lengths, torch.Tensor projected)
        {
            var tokens = lengths.Sum();
            var pass = new PassContext(new MicroBatchTokens(new uint[lengths.Length], lengths, new int[tokens], new int[tokens], packed: true), 0, 0, 0, training: false) { Angles = rotary.AnglesOf(lengths, tokens) };
            return attention.Forward(projected, pass);
        }
    }

    /// <summary>Which attention runs is part of a job's bits.</summary>
    [Theory]
    [InlineData(32, false, 9000, true)]
    [InlineData(32, true, 256, true)]
    [InlineData(32, true, 257, false)]
    [InlineData(24, false, 9, false)]
    public void VectorAttention_TakesWholeVectorsAndOfBrainFloatsShortSamples(int headDim, bool brain, int longest, bool fits) =>
        Assert.Equal(fits, VectorAttention.Fits(ProjectedHeads.Of(6, 2, headDim), brain ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32, [3, longest, 1]));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocks_OnTheCpu_EqualTorch(bool brain)
    {
        using var scope = torch.NewDisposeScope();
        var (matrix, block) = (Random(brain, 9, 40), Random(false, 4, 17));
        var place = new BlockPlace(3, 20);
        AssertSame(
            o =>
            {
                var target = matrix.clone();
                o.PutBlock(block, target, place, 0.3f);
                return target;
            },
            brain);
        AssertSame(
            o =>
            {
                var sum = block.clone();
                o.AddBlock(matrix, place, sum, 0.3f);
                return sum;
            },
            brain);
    }

    private static void AssertSame(Func<FusedOperations, torch.Tensor> run, bool brain)
    {
        var (wanted, seen) = (run(TorchOperations.Instance), run(CpuOperations.Instance));
        Assert.Equal(wanted.shape, seen.shape);
        Assert.Equal(wanted.dtype, seen.dtype);
        AssertClose(wanted, seen, brain ? 1f / 128 : 2e-6f);
    }

    private static void AssertClose(torch.Tensor wanted, torch.Tensor seen, float tolerance)
        => Assert.InRange(Difference(wanted, seen), 0, tolerance * wanted.to_type(torch.ScalarType.Float32).abs().max().ToSingle());

    private static float Difference(torch.Tensor a, torch.Tensor b)
        => a.to_type(torch.ScalarType.Float32).sub(b.to_type(torch.ScalarType.Float32)).abs().max().ToSingle();

    private static torch.Tensor Random(bool brain, params long[] shape)
    {
        var random = new Random(shape.Length);
        var values = Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(_ => (float)((random.NextDouble() * 4) - 2)).ToArray();
        return torch.tensor(values, shape).to_type(brain ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32);
    }
}
