using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The low-rank pairs of a projection group, computed together.</summary>
/// <remarks>Reads the adapter state at every use, so nothing can be stale. Several threads may use it at once, each with inputs and outputs of its own.</remarks>
internal abstract class LoraGroup : IDisposable
{
    // The library's products of 16-bit factors outweigh what its calls cost from about here on.
    private const long LargestSixteenBitWeight = 1 << 18;

    /// <summary>Bytes that it holds between uses.</summary>
    public abstract long Bytes { get; }

    /// <summary>The group of a device: vector code on the CPU for fp32 and small weights, except with dropout, where every pair has its own input.</summary>
    /// <param name="parts">The group's linear layers; at least one has an adapter.</param>
    /// <param name="computeDtype">Of inputs and outputs.</param>
    /// <param name="operations">The device's operations.</param>
    public static LoraGroup For(IReadOnlyList<ProjectionPart> parts, ScalarType computeDtype, FusedOperations operations)
        => operations is CpuOperations && parts.All(part => part.Lora?.Dropout is null) && (computeDtype == ScalarType.Float32 || parts.Sum(part => part.Weight.Rows * part.Weight.Columns) <= LargestSixteenBitWeight)
            ? new VectorLoraGroup(parts)
            : new TensorLoraGroup(parts, computeDtype, operations);

    /// <summary>Adds the pairs' output.</summary>
    /// <param name="x">[tokens, in], the group's input.</param>
    /// <param name="output">[tokens, outs], changed in place.</param>
    /// <param name="pass">The pass.</param>
    public abstract void AddForward(Tensor x, Tensor output, PassContext pass);

    /// <summary>Adds the gradients of every A and B to the flat buffer and the gradient of x to <paramref name="inputGradient"/>.</summary>
    /// <param name="x">[tokens, in], the group's input.</param>
    /// <param name="gradient">[tokens, outs], gradient of the group's output.</param>
    /// <param name="inputGradient">[tokens, in], changed in place; null if nothing reads it.</param>
    /// <param name="pass">The pass.</param>
    public abstract void AddBackward(Tensor x, Tensor gradient, Tensor? inputGradient, PassContext pass);

    public abstract void Dispose();
}
