using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>Final norm, output head and cross entropy, on the positions that predict a label only.</summary>
/// <remarks>
/// Logits exist for a chunk of positions at a time and become their own gradient at once, so nothing vocabulary-sized outlives a chunk. The chunk size is a constant of the job.
/// Norm and weight belong to the stage.
/// </remarks>
internal sealed class LossHead : IDisposable
{
    private readonly FrozenWeight _weight;
    private readonly WeightBuffer _buffer;
    private readonly ScalarType _dtype;
    private readonly FusedOperations _operations;
    private readonly int _chunkTokens;
    private readonly Tensor? _dense;

    /// <param name="norm">The final norm.</param>
    /// <param name="weight">[vocabulary, hidden].</param>
    /// <param name="buffer">Where the weight is written for a product.</param>
    /// <param name="dtype">Of the products.</param>
    /// <param name="operations">The device's operations.</param>
    /// <param name="chunkTokens">Positions whose logits exist at a time.</param>
    /// <param name="keepDense">Whether the weight is written once, into memory of the head's own, so that several threads may multiply.</param>
    public LossHead(RmsNorm norm, FrozenWeight weight, WeightBuffer buffer, ScalarType dtype, FusedOperations operations, int chunkTokens, bool keepDense)
    {
        (Norm, _weight, _buffer, _dtype, _operations, _chunkTokens) = (norm, weight, buffer, dtype, operations, chunkTokens);
        if (weight.Direct(dtype) is not null)
        {
            return;
        }

        if (keepDense)
        {
            _dense = buffer.NewMatrix(weight.Rows, weight.Columns);
            weight.WriteTo(_dense);
        }
        else
        {
            buffer.Reserve(weight.Rows * weight.Columns);
        }
    }

    /// <summary>The final norm, of [tokens, hidden].</summary>
    internal RmsNorm Norm { get; }

    /// <summary>Bytes of the norm, and of the weight in the compute dtype where it is kept.</summary>
    public long Bytes => Norm.Bytes + (_dense is null ? 0 : _dense.numel() * _dense.element_size());

    /// <summary>Loss and, scaled, the gradient of the residual stream.</summary>
    /// <param name="x">[tokens, hidden], the last layer's output.</param>
    /// <param name="part">Tokens and labels.</param>
    /// <param name="lossScale">Factor on the loss in the gradient.</param>
    /// <returns>The gradient [tokens, hidden]; the caller's scope owns it.</returns>
    public (Tensor Gradient, double LossSum, ulong LabelTokens) Train(Tensor x, MicroBatchTokens part, float lossScale)
    {
        using var scope = NewDisposeScope();
        var targets = LossTargets.Of(part);
        var gradient = zeros_like(x);
        var lossSum = 0.0;
        if (targets.Count > 0)
        {
            var rows = tensor(targets.PaddedPositions, device: x.device);
            var hidden = x.index_select(0, rows);
            var logProbabilities = new float[targets.Count];
            var normGradient = Chunks(Norm.Forward(hidden), targets, logProbabilities, lossScale)!;
            gradient.index_copy_(0, rows.narrow(0, 0, targets.Count), Norm.Backward(RowPadding.Cut(hidden, targets.Count), RowPadding.Cut(normGradient, targets.Count)));
            foreach (var value in logProbabilities)
            {
                lossSum -= value;
            }
        }

        return (gradient.MoveToOuterDisposeScope(), lossSum, (ulong)targets.Count);
    }

    /// <summary>Each sample's loss, without gradients.</summary>
    /// <param name="x">[tokens, hidden], the last layer's output.</param>
    /// <param name="part">Tokens and labels.</param>
    /// <param name="withLogProbabilities">Whether each label's log-probability is wanted.</param>
    public IReadOnlyList<SampleEvaluation> Evaluate(Tensor x, MicroBatchTokens part, bool withLogProbabilities)
    {
        using var scope = NewDisposeScope();
        var targets = LossTargets.Of(part);
        var logProbabilities = new float[targets.Count];
        if (targets.Count > 0)
        {
            var hidden = x.index_select(0, tensor(targets.PaddedPositions, device: x.device));
            Chunks(Norm.Forward(hidden), targets, logProbabilities, null);
        }

        var results = new SampleEvaluation[part.Samples.Length];
        var next = 0;
        for (var i = 0; i < results.Length; i++)
        {
            var own = logProbabilities.AsSpan(next, targets.PerSample[i]);
            next += own.Length;
            var lossSum = 0.0;
            foreach (var value in own)
            {
                lossSum -= value;
            }

            results[i] = new SampleEvaluation(part.Samples[i], lossSum, (ulong)own.Length, withLogProbabilities ? own.ToArray() : null);
        }

        return results;
    }

    /// <summary>The weight [vocabulary, hidden] in the compute dtype; valid until the stage's buffer is taken again.</summary>
    internal Tensor Weight()
    {
        using var clock = KernelProfile.Measure(KernelPhase.Dequantize);
        if ((_dense ?? _weight.Direct(_dtype)) is { } direct)
        {
            return direct;
        }

        var buffer = _buffer.Take(_weight.Rows, _weight.Columns);
        _weight.WriteTo(buffer);
        return buffer;
    }

    public void Dispose() => _dense?.Dispose();

    private Tensor? Chunks(Tensor normalised, LossTargets targets, float[] logProbabilities, float? lossScale)
    {
        var weight = Weight();
        var gradient = lossScale is null ? null : empty_like(normalised);
        for (var start = 0; start < targets.Count; start += _chunkTokens)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(_chunkTokens, targets.Count - start);
            var rows = Math.Min(_chunkTokens, normalised.shape[0] - start);
            var logits = Product(normalised.narrow(0, start, rows), weight, (left, right) => _operations.Linear(left, right, null));
            using (KernelProfile.Measure(KernelPhase.CrossEntropy))
            {
                _operations.CrossEntropy(RowPadding.Cut(logits, count), targets.Labels.AsSpan(start, count), logProbabilities.AsSpan(start, count), lossScale);
            }

            gradient?.narrow(0, start, rows).copy_(Product(logits, weight, _operations.LinearBackward));
        }

        return gradient;
    }

    private static Tensor Product(Tensor left, Tensor right, Func<Tensor, Tensor, Tensor> product)
    {
        using var clock = KernelProfile.Measure(KernelPhase.HeadProducts);
        return product(left, right);
    }
}
