using Orchestrator.Worker.Kernels;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>The elementwise and row-wise operations of a decoder layer, each with its backward, in fp32 inside whatever dtype the tensors have.</summary>
/// <remarks>
/// One contract: <see cref="TorchOperations"/> is the readable reference and runs on any device, <see cref="CpuOperations"/> makes one pass over memory on the CPU. Every row (token, head or score row) is computed by itself, so its bits depend on neither its neighbours nor the number of threads. Inputs are contiguous.
/// </remarks>
internal abstract class FusedOperations
{
    /// <summary>The implementation for a device.</summary>
    public static FusedOperations For(torch.Device device) => device.type == DeviceType.CPU ? CpuOperations.Instance : TorchOperations.Instance;

    /// <summary>x * weight^T + bias.</summary>
    /// <param name="x">[rows, in].</param>
    /// <param name="weight">[out, in] in x's dtype.</param>
    /// <param name="bias">[out] in x's dtype, or null.</param>
    /// <returns>[rows, out]; its bits may depend on the number of rows, not on what other rows hold.</returns>
    public virtual torch.Tensor Linear(torch.Tensor x, torch.Tensor weight, torch.Tensor? bias)
    {
        using var transposed = weight.t();
        return bias is null ? torch.mm(x, transposed) : torch.addmm(bias, x, transposed, 1f, 1f);
    }

    /// <summary>Gradient of <see cref="Linear"/> with respect to x: gradient * weight.</summary>
    /// <param name="gradient">[rows, out].</param>
    /// <param name="weight">[out, in].</param>
    /// <returns>[rows, in].</returns>
    public virtual torch.Tensor LinearBackward(torch.Tensor gradient, torch.Tensor weight) => torch.mm(gradient, weight);

    /// <summary>Llama's RMSNorm: normalised in fp32, rounded to the input's dtype, then times the weight.</summary>
    /// <param name="x">[tokens, width].</param>
    /// <param name="weight">[width] in x's dtype.</param>
    /// <param name="epsilon">Added to the mean of squares.</param>
    public abstract torch.Tensor RmsNorm(torch.Tensor x, torch.Tensor weight, float epsilon);

    /// <summary>Gradient of <see cref="RmsNorm"/> with respect to x.</summary>
    public abstract torch.Tensor RmsNormBackward(torch.Tensor x, torch.Tensor weight, float epsilon, torch.Tensor gradient);

    /// <summary>sum += term, in place.</summary>
    /// <param name="sum">[tokens, width].</param>
    /// <param name="term">[tokens, width] in the same dtype.</param>
    public virtual void Add(torch.Tensor sum, torch.Tensor term) => TensorNumbers.Add(sum, term);

    /// <summary>silu(gate) * up.</summary>
    /// <param name="gateUp">[tokens, 2 width]: gate, then up.</param>
    /// <returns>[tokens, width].</returns>
    public abstract torch.Tensor SwiGlu(torch.Tensor gateUp);

    /// <summary>Gradient of <see cref="SwiGlu"/>.</summary>
    /// <param name="gateUp">[tokens, 2 width].</param>
    /// <param name="gradient">[tokens, width].</param>
    /// <returns>[tokens, 2 width].</returns>
    public abstract torch.Tensor SwiGluBackward(torch.Tensor gateUp, torch.Tensor gradient);

    /// <summary>Takes one kind of heads out of the fused projection, grouped head-major, rotated where angles are given.</summary>
    /// <param name="projected">[tokens, all heads * head_dim].</param>
    /// <param name="heads">Which heads.</param>
    /// <param name="angles">[tokens, head_dim]: head_dim / 2 cosines, then the sines, fp32; null copies.</param>
    /// <returns>[groups, tokens, group size * head_dim].</returns>
    public abstract torch.Tensor TakeHeads(torch.Tensor projected, HeadRange heads, torch.Tensor? angles);

    /// <summary>Writes what <see cref="TakeHeads"/> would have taken, rotated back where angles are given, into its place.</summary>
    /// <param name="values">[groups, tokens, group size * head_dim], fp32 or the dtype of <paramref name="projected"/>.</param>
    /// <param name="projected">[tokens, all heads * head_dim], written in place.</param>
    /// <param name="heads">Which heads.</param>
    /// <param name="angles">As for <see cref="TakeHeads"/>.</param>
    public abstract void PutHeads(torch.Tensor values, torch.Tensor projected, HeadRange heads, torch.Tensor? angles);

    /// <summary>Turns scores into attention weights in place: softmax over the keys that a query sees, 0 for the others.</summary>
    /// <param name="scores">[groups, rows, keys]; row r is query <c>FirstQuery + r / GroupSize</c>, key k is position <c>FirstKey + k</c>.</param>
    /// <param name="block">Where rows and keys lie in the sample.</param>
    /// <param name="scale">Factor on the scores.</param>
    public abstract void AttentionWeights(torch.Tensor scores, AttentionBlock block, float scale);

    /// <summary>Turns gradients of the weights into gradients of the unscaled scores, in place.</summary>
    /// <param name="weights">What <see cref="AttentionWeights"/> made.</param>
    /// <param name="gradient">Gradient of the weights, overwritten.</param>
    /// <param name="block">As above.</param>
    /// <param name="scale">Factor on the scores.</param>
    public abstract void AttentionWeightsBackward(torch.Tensor weights, torch.Tensor gradient, AttentionBlock block, float scale);

    /// <summary>Writes scale * source, rounded once, over a block of a wider matrix.</summary>
    /// <param name="source">fp32 [rows, columns].</param>
    /// <param name="target">The matrix.</param>
    /// <param name="place">Where the block begins.</param>
    /// <param name="scale">Factor.</param>
    public abstract void PutBlock(torch.Tensor source, torch.Tensor target, BlockPlace place, float scale);

    /// <summary>sum += scale * a block of a wider matrix.</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="place">Where the block begins.</param>
    /// <param name="sum">fp32 or fp64 [rows, columns], changed in place.</param>
    /// <param name="scale">Factor.</param>
    public abstract void AddBlock(torch.Tensor source, BlockPlace place, torch.Tensor sum, float scale);

    /// <summary>Log-probability of each row's label; on request the logits become the loss gradient in place.</summary>
    /// <param name="logits">[rows, vocabulary].</param>
    /// <param name="labels">A label a row.</param>
    /// <param name="logProbabilities">Receives a number a row.</param>
    /// <param name="gradientScale">Loss scale; null leaves the logits undefined and computes no gradient.</param>
    public abstract void CrossEntropy(torch.Tensor logits, ReadOnlySpan<int> labels, Span<float> logProbabilities, float? gradientScale);
}
