using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>A layer's attention: <see cref="VectorAttention"/> on the CPU where it fits, else <see cref="BlockedAttention"/>.</summary>
/// <remarks>The choice follows from the model, the dtype and the part alone. One thread a micro-batch.</remarks>
internal sealed class CausalAttention
{
    private readonly BlockedAttention _blocked;
    private readonly VectorAttention? _vector;

    /// <param name="heads">The heads of the fused projection.</param>
    /// <param name="window">Keys that a query sees; 0: all.</param>
    /// <param name="blockSize">Queries of a block: a constant of the job.</param>
    /// <param name="operations">The device's operations.</param>
    public CausalAttention(ProjectedHeads heads, int window, int blockSize, FusedOperations operations)
    {
        (Heads, Window) = (heads, window);
        _blocked = new BlockedAttention(heads, window, blockSize, operations);
        _vector = operations is CpuOperations ? new VectorAttention(heads, window) : null;
    }

    /// <summary>The heads of the fused projection.</summary>
    public ProjectedHeads Heads { get; }

    /// <summary>Keys that a query sees; 0: all.</summary>
    public int Window { get; }

    /// <summary>What a backward needs of [tokens, q k v]: the projection itself, or its heads, taken apart and rotated.</summary>
    public List<Tensor> Keep(Tensor projected, PassContext pass)
    {
        if (pass.Attend is not null || VectorFor(projected, pass) is not null)
        {
            return [projected];
        }

        var heads = Split(projected, pass);
        return [heads.Queries, heads.Keys, heads.Values];
    }

    /// <summary>[tokens, heads * head_dim] of what <see cref="Keep"/> gave.</summary>
    public Tensor Forward(List<Tensor> kept, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Attention);
        return pass.Attend is { } attend ? attend(this, kept[0]) : Within(kept[0], kept.Count == 1 ? default : HeadsOf(kept), pass);
    }

    /// <summary>Splits and rotates [tokens, q k v].</summary>
    public AttentionHeads Split(Tensor projected, PassContext pass) => _blocked.Split(projected, pass);

    /// <summary>[tokens, heads * head_dim]: each sample's attention to itself.</summary>
    /// <param name="projected">[tokens, q k v].</param>
    /// <param name="heads">What <see cref="Split"/> made of it; not read where <see cref="VectorAttention"/> computes.</param>
    /// <param name="pass">The pass.</param>
    public Tensor Within(Tensor projected, AttentionHeads heads, PassContext pass)
    {
        var output = VectorFor(projected, pass) is { } attention ? attention.Forward(projected, pass) : _blocked.Forward(heads, pass);
        RowPadding.Clear(output, pass.Part.Tokens);
        return output;
    }

    /// <summary>[queries, heads * head_dim]: one sequence's newest queries against all its keys, without a backward.</summary>
    /// <param name="heads">Queries that belong to the last of the keys.</param>
    public Tensor Continue(AttentionHeads heads) => _blocked.Continue(heads);

    /// <summary>The gradient of [tokens, q k v].</summary>
    public Tensor Backward(List<Tensor> kept, Tensor outputGradient, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Attention);
        var gradient = empty([outputGradient.shape[0], Heads.Columns], outputGradient.dtype, outputGradient.device);
        if (VectorFor(kept[0], pass) is { } attention)
        {
            attention.Backward(kept[0], outputGradient, gradient, pass);
        }
        else
        {
            _blocked.Backward(HeadsOf(kept), outputGradient, gradient, pass);
        }

        RowPadding.Clear(gradient, pass.Part.Tokens);
        return gradient;
    }

    private VectorAttention? VectorFor(Tensor kept, PassContext pass) => _vector is not null && VectorAttention.Fits(Heads, kept.dtype, pass.Part.Lengths) ? _vector : null;

    private static AttentionHeads HeadsOf(List<Tensor> kept) => new(kept[0], kept[1], kept[2]);
}
