using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>Linear layers that share their input (q, k, v; gate, up; or one alone), multiplied as one: [tokens, in] to [tokens, sum of outs].</summary>
/// <remarks>The base weights are frozen: a backward computes the input's and the adapters' gradients, never a weight's. Several threads may use it at once where it has its weights in the compute dtype.</remarks>
internal sealed class ProjectionGroup : IDisposable
{
    private readonly ProjectionPart[] _parts;
    private readonly WeightBuffer _buffer;
    private readonly ScalarType _dtype;
    private readonly Tensor? _bias;
    private readonly LoraGroup? _lora;
    private readonly FusedOperations _operations;
    private readonly Tensor? _dense;

    /// <param name="parts">The linear layers; the group takes their weights over.</param>
    /// <param name="buffer">Where weights are joined and dequantized for a product.</param>
    /// <param name="computeDtype">Of the products.</param>
    /// <param name="operations">The device's operations.</param>
    /// <param name="keepDense">Whether that happens once, into memory of the group's own: the same bits.</param>
    public ProjectionGroup(ProjectionPart[] parts, WeightBuffer buffer, ScalarType computeDtype, FusedOperations operations, bool keepDense)
    {
        (_parts, _buffer, _dtype, _operations) = (parts, buffer, computeDtype, operations);
        InFeatures = parts[0].Weight.Columns;
        OutFeatures = parts.Sum(part => part.Weight.Rows);
        _bias = JoinBiases(parts);
        _lora = Array.Exists(parts, part => part.Lora is not null) ? LoraGroup.For(parts, computeDtype, operations) : null;
        if (parts.Length == 1 && parts[0].Weight.Direct(computeDtype) is not null)
        {
            return;
        }

        if (keepDense)
        {
            _dense = Join(buffer.NewMatrix(OutFeatures, InFeatures));
        }
        else
        {
            buffer.Reserve(OutFeatures * InFeatures);
        }
    }

    public long InFeatures { get; }

    public long OutFeatures { get; }

    /// <summary>Bytes of the weights and biases, and of weights and adapters in the compute dtype.</summary>
    public long Bytes => _parts.Sum(part => part.Weight.Bytes) + (_lora?.Bytes ?? 0) + BytesOf(_bias) + BytesOf(_dense);

    /// <summary>[tokens, in] to [tokens, out].</summary>
    public Tensor Forward(Tensor x, PassContext pass)
    {
        using var scope = NewDisposeScope();
        var output = Product(x, Weight());
        _lora?.AddForward(x, output, pass);
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Adds the adapters' gradients to the pass's flat buffer; gives the gradient of x, or null if nothing reads it.</summary>
    /// <param name="x">[tokens, in], the forward's input.</param>
    /// <param name="gradient">[tokens, out].</param>
    /// <param name="pass">The pass.</param>
    /// <param name="inputGradientNeeded">Whether the result is read.</param>
    public Tensor? Backward(Tensor x, Tensor gradient, PassContext pass, bool inputGradientNeeded)
    {
        using var scope = NewDisposeScope();
        var inputGradient = inputGradientNeeded ? InputGradient(gradient) : null;
        _lora?.AddBackward(x, gradient, inputGradient, pass);
        return inputGradient?.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var part in _parts)
        {
            part.Weight.Dispose();
        }

        _bias?.Dispose();
        _dense?.Dispose();
        _lora?.Dispose();
    }

    private Tensor Product(Tensor x, Tensor weight)
    {
        using var clock = KernelProfile.Measure(KernelPhase.BaseProducts);
        return _operations.Linear(x, weight, _bias);
    }

    private Tensor InputGradient(Tensor gradient)
    {
        var weight = Weight();
        using var clock = KernelProfile.Measure(KernelPhase.BaseProducts);
        return _operations.LinearBackward(gradient, weight);
    }

    private Tensor Weight()
    {
        if (_dense is not null)
        {
            return _dense;
        }

        using var clock = KernelProfile.Measure(KernelPhase.Dequantize);
        return _parts.Length == 1 && _parts[0].Weight.Direct(_dtype) is { } direct ? direct : Join(_buffer.Take(OutFeatures, InFeatures));
    }

    private Tensor Join(Tensor joined)
    {
        var row = 0L;
        foreach (var part in _parts)
        {
            using var own = joined.narrow(0, row, part.Weight.Rows);
            part.Weight.WriteTo(own);
            row += part.Weight.Rows;
        }

        return joined;
    }

    private static long BytesOf(Tensor? tensor) => tensor is null ? 0 : tensor.numel() * tensor.element_size();

    private static Tensor? JoinBiases(ProjectionPart[] parts)
    {
        if (parts.All(part => part.Bias is null))
        {
            return null;
        }

        using var scope = NewDisposeScope();
        var first = parts.First(part => part.Bias is not null).Bias!;
        var biases = parts.Select(part => part.Bias ?? zeros([part.Weight.Rows], first.dtype, first.device)).ToArray();
        return cat(biases, 0).DetachFromDisposeScope();
    }
}
