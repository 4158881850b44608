using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The operations of a decoder layer on the CPU, each one pass over memory.</summary>
/// <remarks>
/// The rows' arithmetic is in <see cref="RowMath"/>, in fp32 whatever the tensors' dtype; a row is computed whole by one thread, so its bits depend on the instruction path alone. The
/// results are those of <see cref="TorchOperations"/> up to rounding. Compute thread only; the calls run on all compute threads.
/// </remarks>
internal sealed unsafe class CpuOperations : FusedOperations
{
    public static readonly CpuOperations Instance = new();

    // Below this many elements a thread's part is not worth waking the thread.
    private const long LeastElements = 1 << 14;

    public override Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
        => VectorProduct.Fits(x, weight.shape[0]) ? VectorProduct.Transposed(x, weight, bias) : base.Linear(x, weight, bias);

    public override Tensor LinearBackward(Tensor gradient, Tensor weight)
        => VectorProduct.Fits(gradient, weight.shape[1]) ? VectorProduct.Straight(gradient, weight) : base.LinearBackward(gradient, weight);

    public override Tensor RmsNorm(Tensor x, Tensor weight, float epsilon)
    {
        var result = empty_like(x);
        var width = (int)x.shape[1];
        var (source, target, scale) = (Rows.Of(x, width), Rows.Of(result, width), Rows.Of(weight, width));
        ForRows(x.shape[0], width, row =>
        {
            using var buffer = new RowBuffer(2 * width);
            var values = buffer.Take(width);
            var factors = buffer.Take(width);
            source.Load(row, values);
            scale.Load(0, factors);
            RowMath.Scale(values, RowMath.InverseRootMeanSquare(values, epsilon));
            target.Round(values);
            RowMath.Multiply(values, factors);
            target.Store(row, values);
        });
        return result;
    }

    public override Tensor RmsNormBackward(Tensor x, Tensor weight, float epsilon, Tensor gradient)
    {
        var result = empty_like(x);
        var width = (int)x.shape[1];
        var (source, upstream, target, scale) = (Rows.Of(x, width), Rows.Of(gradient, width), Rows.Of(result, width), Rows.Of(weight, width));
        ForRows(x.shape[0], width, row =>
        {
            using var buffer = new RowBuffer(3 * width);
            var values = buffer.Take(width);
            var dy = buffer.Take(width);
            var factors = buffer.Take(width);
            source.Load(row, values);
            upstream.Load(row, dy);
            scale.Load(0, factors);
            var factor = RowMath.InverseRootMeanSquare(values, epsilon);
            RowMath.Scale(values, factor);
            RowMath.Multiply(dy, factors);
            RowMath.SubtractProjection(dy, values, RowMath.Dot(dy, values) / width, factor);
            target.Store(row, dy);
        });
        return result;
    }

    public override Tensor SwiGlu(Tensor gateUp)
    {
        var width = (int)(gateUp.shape[1] / 2);
        var result = empty([gateUp.shape[0], width], gateUp.dtype);
        var (source, target) = (Rows.Of(gateUp, 2 * width), Rows.Of(result, width));
        ForRows(gateUp.shape[0], 4 * width, row =>
        {
            using var buffer = new RowBuffer(2 * width);
            var pair = buffer.Take(2 * width);
            source.Load(row, pair);
            RowMath.SwiGlu(pair[..width], pair[width..]);
            target.Store(row, pair[..width]);
        });
        return result;
    }

    public override Tensor SwiGluBackward(Tensor gateUp, Tensor gradient)
    {
        var width = (int)(gateUp.shape[1] / 2);
        var result = empty_like(gateUp);
        var (source, upstream, target) = (Rows.Of(gateUp, 2 * width), Rows.Of(gradient, width), Rows.Of(result, 2 * width));
        ForRows(gateUp.shape[0], 4 * width, row =>
        {
            using var buffer = new RowBuffer(3 * width);
            var pair = buffer.Take(2 * width);
            var dy = buffer.Take(width);
            source.Load(row, pair);
            upstream.Load(row, dy);
            RowMath.SwiGluBackward(pair[..width], pair[width..], dy);
            target.Store(row, pair);
        });
        return result;
    }

    public override Tensor TakeHeads(Tensor projected, HeadRange heads, Tensor? angles)
    {
        var tokens = projected.shape[0];
        var result = empty([heads.Groups, tokens, heads.GroupSize * heads.HeadDim], projected.dtype);
        var (source, target) = (Rows.Of(projected, (int)projected.shape[1]), Rows.Of(result, heads.HeadDim));
        var table = angles is null ? null : (float*)TensorMemory.Pointer(angles);
        ForRows(tokens, heads.Columns, token =>
        {
            using var buffer = new RowBuffer(heads.HeadDim);
            var values = buffer.Take(heads.HeadDim);
            for (var head = 0; head < heads.Groups * heads.GroupSize; head++)
            {
                source.Load(token, values, heads.FirstColumn + (head * heads.HeadDim));
                if (table is not null)
                {
                    RowMath.Rotate(values, new ReadOnlySpan<float>(table + (token * heads.HeadDim), heads.HeadDim), forward: true);
                }

                target.Store(heads.RowOf(head, token, tokens), values);
            }
        });
        return result;
    }

    public override void PutHeads(Tensor values, Tensor projected, HeadRange heads, Tensor? angles)
    {
        var tokens = projected.shape[0];
        var (source, target) = (Rows.Of(values, heads.HeadDim), Rows.Of(projected, (int)projected.shape[1]));
        var table = angles is null ? null : (float*)TensorMemory.Pointer(angles);
        ForRows(tokens, heads.Columns, token =>
        {
            using var buffer = new RowBuffer(heads.HeadDim);
            var head = buffer.Take(heads.HeadDim);
            for (var i = 0; i < heads.Groups * heads.GroupSize; i++)
            {
                source.Load(heads.RowOf(i, token, tokens), head);
                if (table is not null)
                {
                    RowMath.Rotate(head, new ReadOnlySpan<float>(table + (token * heads.HeadDim), heads.HeadDim), forward: false);
                }

                target.Store(token, head, heads.FirstColumn + (i * heads.HeadDim));
            }
        });
    }

    public override void AttentionWeights(Tensor scores, AttentionBlock block, float scale)
    {
        var (rows, keys) = (scores.shape[1], (int)scores.shape[2]);
        var values = Rows.Of(scores, keys);
        ForRows(scores.shape[0] * rows, keys, row =>
        {
            var query = (int)(row % rows) / block.GroupSize;
            var (first, end) = (block.FirstSeen(query), block.EndSeen(query));
            using var buffer = new RowBuffer(keys);
            var all = buffer.Take(keys);
            values.Load(row, all);
            all[..first].Clear();
            all[end..].Clear();
            RowMath.Softmax(all[first..end], scale);
            values.Store(row, all);
        });
    }

    public override void AttentionWeightsBackward(Tensor weights, Tensor gradient, AttentionBlock block, float scale)
    {
        var keys = (int)weights.shape[2];
        var (probabilities, upstream) = (Rows.Of(weights, keys), Rows.Of(gradient, keys));
        ForRows(weights.shape[0] * weights.shape[1], keys, row =>
        {
            using var buffer = new RowBuffer(2 * keys);
            var p = buffer.Take(keys);
            var dp = buffer.Take(keys);
            probabilities.Load(row, p);
            upstream.Load(row, dp);
            RowMath.SoftmaxBackward(p, dp, scale);
            upstream.Store(row, dp);
        });
    }

    public override void PutBlock(Tensor source, Tensor target, BlockPlace place, float scale)
    {
        var width = (int)source.shape[1];
        var (from, to) = (Rows.Of(source, width), Rows.Of(target, (int)target.shape[1]));
        ForRows(source.shape[0], width, row =>
        {
            using var buffer = new RowBuffer(width);
            var values = buffer.Take(width);
            from.Load(row, values);
            RowMath.Scale(values, scale);
            to.Store(place.Row + row, values, (int)place.Column);
        });
    }

    public override void AddBlock(Tensor source, BlockPlace place, Tensor sum, float scale)
    {
        if (sum.dtype == ScalarType.Float64)
        {
            TorchOperations.Instance.AddBlock(source, place, sum, scale);
            return;
        }

        var width = (int)sum.shape[1];
        var (from, to) = (Rows.Of(source, (int)source.shape[1]), Rows.Of(sum, width));
        ForRows(sum.shape[0], width, row =>
        {
            using var buffer = new RowBuffer(2 * width);
            var values = buffer.Take(width);
            var added = buffer.Take(width);
            to.Load(row, values);
            from.Load(place.Row + row, added, (int)place.Column);
            RowMath.AddScaled(values, added, scale);
            to.Store(row, values);
        });
    }

    public override void CrossEntropy(Tensor logits, ReadOnlySpan<int> labels, Span<float> logProbabilities, float? gradientScale)
    {
        var vocabulary = (int)logits.shape[1];
        var values = Rows.Of(logits, vocabulary);
        fixed (int* label = labels)
        fixed (float* result = logProbabilities)
        {
            var (labelOf, resultOf) = ((nint)label, (nint)result);
            ForRows(logits.shape[0], vocabulary, row =>
            {
                using var buffer = new RowBuffer(vocabulary);
                var all = buffer.Take(vocabulary);
                values.Load(row, all);
                var own = ((int*)labelOf)[row];
                ((float*)resultOf)[row] = RowMath.LogProbability(all, own, gradientScale);
                if (gradientScale is not null)
                {
                    values.Store(row, all);
                }
            });
        }
    }

    private static void ForRows(long rows, int width, Action<long> body) => KernelParallel.For(rows, Math.Max(1, LeastElements / width), (from, to) =>
    {
        for (var row = from; row < to; row++)
        {
            body(row);
        }
    });
}
