using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>The adapter's dropout: its rate, its scale, and that it is made again.</summary>
public sealed class DropoutTests
{
    [Fact]
    public void Mask_KeepsTheShareAndTheMean()
    {
        using var scope = torch.NewDisposeScope();
        var kept = new AdapterDropout(42, 3, 0.1).Apply(torch.ones(1000, 64), Pass(1000)).data<float>().ToArray();
        Assert.All(kept, value => Assert.True(value is 0f || Math.Abs(value - (1 / 0.9f)) < 1e-6f));
        Assert.InRange(kept.Count(value => value != 0) / 64_000.0, 0.9 - 0.005, 0.9 + 0.005);
    }

    [Fact]
    public void Mask_OfTheSameCounters_IsTheSame()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones(300, 64);
        float[] Of(uint module, ulong step, uint microBatch, ulong seed = 42)
            => new AdapterDropout(seed, module, 0.5).Apply(x, new PassContext(Tokens(300), step, microBatch, 0, training: true)).data<float>().ToArray();
        Assert.Equal(Of(1, 1, 1), Of(1, 1, 1));
        Assert.NotEqual(Of(1, 1, 1), Of(2, 1, 1));
        Assert.NotEqual(Of(1, 1, 1), Of(1, 2, 1));
        Assert.NotEqual(Of(1, 1, 1), Of(1, 1, 2));
        Assert.NotEqual(Of(1, 1, 1), Of(1, 1, 1, seed: 43));
        Assert.NotEqual(Of(1, 1, 1), Of(1, 1, 1, seed: 42 + (1UL << 32)));
    }

    [Fact]
    public void Mask_OfALaterSample_IsItsPartOfTheMicroBatch()
    {
        using var scope = torch.NewDisposeScope();
        var mask = new AdapterDropout(42, 1, 0.5);
        var whole = mask.Apply(torch.ones(30, 48), Pass(30));
        var part = mask.Apply(torch.ones(10, 48), new PassContext(Tokens(10), 1, 0, 20, training: true));
        Assert.Equal(whole.narrow(0, 20, 10).contiguous().data<float>().ToArray(), part.data<float>().ToArray());
    }

    private static PassContext Pass(int tokens) => new(Tokens(tokens), 1, 0, 0, training: true);

    private static MicroBatchTokens Tokens(int count) => new([0], [count], new int[count], new int[count], packed: true);
}
