using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

public sealed class BlockedAttentionTests
{
    private const int Tokens = 256;
    private const int HeadDim = 4;

    /// <summary>A block of one query each gives the first key and value terms that fall as 1 / n: a running sum in bf16 stops growing at about the 64th.</summary>
    [Fact]
    public void Backward_OfManyBlocksInBrainFloats_AddsTheGradientsOfKeysAndValuesInFp32()
    {
        using var scope = torch.NewDisposeScope();
        var heads = ProjectedHeads.Of(1, 1, HeadDim);
        var pass = new PassContext(new MicroBatchTokens([0], [Tokens], new int[Tokens], new int[Tokens], packed: true), 1, 0, 0, training: true);
        var attention = new BlockedAttention(heads, window: 0, blockSize: 1, CpuOperations.Instance);
        // Keys of zero: every weight of query i is 1 / (i + 1). Only the first value is not zero.
        var projected = torch.zeros([Tokens, heads.Columns], torch.bfloat16);
        Columns(projected, heads.Queries).copy_(torch.ones(Tokens, HeadDim));
        Columns(projected, heads.Values).narrow(0, 0, 1).copy_(torch.ones(1, HeadDim));
        var gradient = torch.zeros([Tokens, heads.Columns], torch.bfloat16);

        attention.Backward(attention.Split(projected, pass), torch.ones([Tokens, HeadDim], torch.bfloat16), gradient, pass);

        double value = 0, key = 0;
        for (var query = 0; query < Tokens; query++)
        {
            var weight = 1.0 / (query + 1);
            value += weight;
            key += HeadDim * weight * (1 - weight) / Math.Sqrt(HeadDim);
        }

        Assert.InRange(First(gradient, heads.Values) / value, 0.99, 1.01);
        Assert.InRange(First(gradient, heads.Keys) / key, 0.99, 1.01);
    }

    private static torch.Tensor Columns(torch.Tensor matrix, HeadRange heads) => matrix.narrow(1, heads.FirstColumn, heads.Columns);

    private static double First(torch.Tensor matrix, HeadRange heads) => Columns(matrix, heads).to_type(torch.float32)[0, 0].item<float>();
}
