using Orchestrator.Worker.Kernels;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The operations of a decoder layer written plainly in torch operations: the reference, for any device.</summary>
/// <remarks>Intermediate tensors belong to a dispose scope of the call; results move to the caller's scope. Compute thread only.</remarks>
internal sealed class TorchOperations : FusedOperations
{
    public static readonly TorchOperations Instance = new();

    public override Tensor RmsNorm(Tensor x, Tensor weight, float epsilon)
    {
        using var scope = NewDisposeScope();
        return Normalised(x, epsilon, out _).to_type(x.dtype).mul(weight).MoveToOuterDisposeScope();
    }

    public override Tensor RmsNormBackward(Tensor x, Tensor weight, float epsilon, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var normalised = Normalised(x, epsilon, out var factor);
        var scaled = gradient.to_type(ScalarType.Float32).mul(weight);
        var mean = scaled.mul(normalised).mean([-1], keepdim: true);
        return scaled.sub(normalised.mul(mean)).mul(factor).to_type(x.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor SwiGlu(Tensor gateUp)
    {
        using var scope = NewDisposeScope();
        var (gate, up) = Halves(gateUp);
        return gate.mul(gate.sigmoid()).mul(up).to_type(gateUp.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor SwiGluBackward(Tensor gateUp, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var (gate, up) = Halves(gateUp);
        var dy = gradient.to_type(ScalarType.Float32);
        var sigmoid = gate.sigmoid();
        var silu = gate.mul(sigmoid);
        var dGate = dy.mul(up).mul(sigmoid.Plus(silu.mul(ones_like(sigmoid).sub(sigmoid))));
        return cat([dGate, dy.mul(silu)], 1).to_type(gateUp.dtype).MoveToOuterDisposeScope();
    }

    public override Tensor TakeHeads(Tensor projected, HeadRange heads, Tensor? angles)
    {
        using var scope = NewDisposeScope();
        var taken = Place(projected, heads);
        var rotated = angles is null ? taken : Rotate(taken, angles, 1f);
        return rotated.contiguous().view(heads.Groups, projected.shape[0], heads.GroupSize * heads.HeadDim).MoveToOuterDisposeScope();
    }

    public override void PutHeads(Tensor values, Tensor projected, HeadRange heads, Tensor? angles)
    {
        using var scope = NewDisposeScope();
        var split = values.view(heads.Groups, projected.shape[0], heads.GroupSize, heads.HeadDim);
        Place(projected, heads).copy_(angles is null ? split : Rotate(split, angles, -1f));
    }

    public override void AttentionWeights(Tensor scores, AttentionBlock block, float scale)
    {
        using var scope = NewDisposeScope();
        var masked = scores.to_type(ScalarType.Float32).Times(scale).Masked(Hidden(block, scores), float.NegativeInfinity);
        scores.copy_(masked.softmax(-1));
    }

    public override void AttentionWeightsBackward(Tensor weights, Tensor gradient, AttentionBlock block, float scale)
    {
        using var scope = NewDisposeScope();
        var p = weights.to_type(ScalarType.Float32);
        var product = gradient.to_type(ScalarType.Float32).mul(p);
        gradient.copy_(product.sub(p.mul(product.sum(-1, keepdim: true))).Times(scale));
    }

    public override void PutBlock(Tensor source, Tensor target, BlockPlace place, float scale)
    {
        using var scope = NewDisposeScope();
        Block(target, place, source).copy_(source.Times(scale));
    }

    public override void AddBlock(Tensor source, BlockPlace place, Tensor sum, float scale)
    {
        using var scope = NewDisposeScope();
        sum.Add(Block(source, place, sum).to_type(ScalarType.Float32).Times(scale));
    }

    public override void CrossEntropy(Tensor logits, ReadOnlySpan<int> labels, Span<float> logProbabilities, float? gradientScale)
    {
        using var scope = NewDisposeScope();
        var index = tensor(labels.ToArray(), ScalarType.Int64, logits.device).unsqueeze(1);
        var logs = logits.to_type(ScalarType.Float32).log_softmax(1);
        logs.gather(1, index).cpu().data<float>().ToArray().CopyTo(logProbabilities);
        if (gradientScale is { } factor)
        {
            // Compared, not scattered: a card has no deterministic algorithm for that.
            var isLabel = TensorNumbers.Range(0, logits.shape[1], logits.device).unsqueeze(0).eq(index);
            logits.copy_(logs.exp().sub(isLabel.to_type(ScalarType.Float32)).Times(factor));
        }
    }

    private static Tensor Block(Tensor matrix, BlockPlace place, Tensor like)
        => matrix.narrow(0, place.Row, like.shape[0]).narrow(1, place.Column, like.shape[1]);

    private static Tensor Normalised(Tensor x, float epsilon, out Tensor factor)
    {
        var wide = x.to_type(ScalarType.Float32);
        factor = wide.mul(wide).mean([-1], keepdim: true).Plus(epsilon).rsqrt();
        return wide.mul(factor);
    }

    private static (Tensor First, Tensor Second) Halves(Tensor pair)
    {
        var wide = pair.to_type(ScalarType.Float32);
        var width = pair.shape[1] / 2;
        return (wide.narrow(1, 0, width), wide.narrow(1, width, width));
    }

    /// <summary>[groups, tokens, group size, head_dim] as it lies in the projection.</summary>
    private static Tensor Place(Tensor projected, HeadRange heads)
        => projected.narrow(1, heads.FirstColumn, heads.Columns).view(projected.shape[0], heads.Groups, heads.GroupSize, heads.HeadDim).transpose(0, 1);

    /// <summary>Rotate-half: (a cos - b sin, b cos + a sin) over the two halves of a head; direction -1 is the transpose.</summary>
    private static Tensor Rotate(Tensor heads, Tensor angles, float direction)
    {
        var half = heads.shape[3] / 2;
        var wide = heads.to_type(ScalarType.Float32);
        var (a, b) = (wide.narrow(3, 0, half), wide.narrow(3, half, half));
        var cos = angles.narrow(1, 0, half).unsqueeze(1);
        var sin = angles.narrow(1, half, half).unsqueeze(1).Times(direction);
        return cat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).Plus(a.mul(sin))], 3).to_type(heads.dtype);
    }

    private static Tensor Hidden(AttentionBlock block, Tensor scores)
    {
        var key = TensorNumbers.Range(block.FirstKey, block.FirstKey + scores.shape[2], scores.device).unsqueeze(0);
        var later = key.gt(Queries(block, scores, block.FirstQuery));
        return block.Window == 0 ? later : later.logical_or(key.le(Queries(block, scores, block.FirstQuery - block.Window)));
    }

    /// <summary>[rows, 1]: each row's query, counted from <paramref name="first"/>; the heads of a group follow each other.</summary>
    private static Tensor Queries(AttentionBlock block, Tensor scores, long first)
        => TensorNumbers.Range(first, first + (scores.shape[1] / block.GroupSize), scores.device).repeat_interleave(block.GroupSize).unsqueeze(1);
}
