using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The operations of a decoder layer on the CPU, each one pass over memory.</summary>
/// <remarks>
/// The rows' arithmetic is in <see cref="RowKernels"/> and <see cref="RowMath"/>, in fp32 whatever the tensors' dtype; a row is computed whole by one thread, so its bits depend on the instruction path alone. The
/// results are those of <see cref="TorchOperations"/> up to rounding. One caller a micro-batch; the calls run on its team of threads.
/// </remarks>
internal sealed unsafe class CpuOperations : FusedOperations
{
    public static readonly CpuOperations Instance = new();

    // Below this many elements a thread's part is not worth waking the thread.
    private const long LeastElements = 1 << 14;

    private delegate void RowBody(long row, Span<float> scratch);

    public override Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
        => VectorProduct.Fits(x, weight.size(0)) ? VectorProduct.Transposed(x, weight, bias) : base.Linear(x, weight, bias);

    public override Tensor LinearBackward(Tensor gradient, Tensor weight)
        => VectorProduct.Fits(gradient, weight.size(1)) ? VectorProduct.Straight(gradient, weight) : base.LinearBackward(gradient, weight);

    public override Tensor RmsNorm(Tensor x, Tensor weight, float epsilon)
        => IsBrain(x) ? RmsNorm<BrainElement>(x, weight, epsilon) : RmsNorm<SingleElement>(x, weight, epsilon);

    public override Tensor RmsNormBackward(Tensor x, Tensor weight, float epsilon, Tensor gradient)
        => IsBrain(x) ? RmsNormBackward<BrainElement>(x, weight, epsilon, gradient) : RmsNormBackward<SingleElement>(x, weight, epsilon, gradient);

    public override Tensor SwiGlu(Tensor gateUp) => IsBrain(gateUp) ? SwiGlu<BrainElement>(gateUp) : SwiGlu<SingleElement>(gateUp);

    public override Tensor SwiGluBackward(Tensor gateUp, Tensor gradient)
        => IsBrain(gateUp) ? SwiGluBackward<BrainElement>(gateUp, gradient) : SwiGluBackward<SingleElement>(gateUp, gradient);

    public override void Add(Tensor sum, Tensor term)
    {
        if (IsBrain(sum))
        {
            Add<BrainElement>(sum, term);
        }
        else
        {
            Add<SingleElement>(sum, term);
        }
    }

    public override Tensor TakeHeads(Tensor projected, HeadRange heads, Tensor? angles)
    {
        var tokens = projected.size(0);
        var result = empty([heads.Groups, tokens, heads.GroupSize * heads.HeadDim], projected.dtype);
        var (source, target) = (Rows.Of(projected, (int)projected.size(1)), Rows.Of(result, heads.HeadDim));
        var table = angles is null ? null : (float*)TensorMemory.Pointer(angles);
        ForRows(tokens, heads.Columns, heads.HeadDim, (token, values) =>
        {
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
        var tokens = projected.size(0);
        var (source, target) = (Rows.Of(values, heads.HeadDim), Rows.Of(projected, (int)projected.size(1)));
        var table = angles is null ? null : (float*)TensorMemory.Pointer(angles);
        ForRows(tokens, heads.Columns, heads.HeadDim, (token, head) =>
        {
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
        var (rows, keys) = (scores.size(1), (int)scores.size(2));
        var values = Rows.Of(scores, keys);
        ForRows(scores.size(0) * rows, keys, keys, (row, all) =>
        {
            var query = (int)(row % rows) / block.GroupSize;
            var (first, end) = (block.FirstSeen(query), block.EndSeen(query));
            values.Load(row, all);
            all[..first].Clear();
            all[end..].Clear();
            RowMath.Softmax(all[first..end], scale);
            values.Store(row, all);
        });
    }

    public override void AttentionWeightsBackward(Tensor weights, Tensor gradient, AttentionBlock block, float scale)
    {
        var keys = (int)weights.size(2);
        var (probabilities, upstream) = (Rows.Of(weights, keys), Rows.Of(gradient, keys));
        ForRows(weights.size(0) * weights.size(1), keys, 2 * keys, (row, scratch) =>
        {
            var p = scratch[..keys];
            var dp = scratch[keys..];
            probabilities.Load(row, p);
            upstream.Load(row, dp);
            RowMath.SoftmaxBackward(p, dp, scale);
            upstream.Store(row, dp);
        });
    }

    public override void PutBlock(Tensor source, Tensor target, BlockPlace place, float scale)
    {
        var width = (int)source.size(1);
        var (from, to) = (Rows.Of(source, width), Rows.Of(target, (int)target.size(1)));
        ForRows(source.size(0), width, width, (row, values) =>
        {
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

        var width = (int)sum.size(1);
        var (from, to) = (Rows.Of(source, (int)source.size(1)), Rows.Of(sum, width));
        ForRows(sum.size(0), width, 2 * width, (row, scratch) =>
        {
            var values = scratch[..width];
            var added = scratch[width..];
            to.Load(row, values);
            from.Load(place.Row + row, added, (int)place.Column);
            RowMath.AddScaled(values, added, scale);
            to.Store(row, values);
        });
    }

    public override void CrossEntropy(Tensor logits, ReadOnlySpan<int> labels, Span<float> logProbabilities, float? gradientScale)
    {
        var vocabulary = (int)logits.size(1);
        var values = Rows.Of(logits, vocabulary);
        fixed (int* label = labels)
        fixed (float* result = logProbabilities)
        {
            var (labelOf, resultOf) = ((nint)label, (nint)result);
            ForRows(logits.size(0), vocabulary, vocabulary, (row, all) =>
            {
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

    private static Tensor RmsNorm<T>(Tensor x, Tensor weight, float epsilon)
        where T : struct, IRowElement
    {
        var result = empty_like(x);
        var (rows, width) = (x.size(0), (int)x.size(1));
        byte* source = TensorMemory.Pointer(x), scale = TensorMemory.Pointer(weight), target = TensorMemory.Pointer(result);
        ForRows(rows, width, row => RowKernels.Norm<T>(At<T>(source, row, width), scale, At<T>(target, row, width), width, epsilon));
        return result;
    }

    private static Tensor RmsNormBackward<T>(Tensor x, Tensor weight, float epsilon, Tensor gradient)
        where T : struct, IRowElement
    {
        var result = empty_like(x);
        var (rows, width) = (x.size(0), (int)x.size(1));
        byte* source = TensorMemory.Pointer(x), scale = TensorMemory.Pointer(weight), upstream = TensorMemory.Pointer(gradient), target = TensorMemory.Pointer(result);
        ForRows(rows, width, row => RowKernels.NormBackward<T>(At<T>(source, row, width), scale, At<T>(upstream, row, width), At<T>(target, row, width), width, epsilon));
        return result;
    }

    private static Tensor SwiGlu<T>(Tensor gateUp)
        where T : struct, IRowElement
    {
        var (rows, width) = (gateUp.size(0), (int)(gateUp.size(1) / 2));
        var result = empty([rows, width], gateUp.dtype);
        byte* source = TensorMemory.Pointer(gateUp), target = TensorMemory.Pointer(result);
        ForRows(rows, 4 * width, row => RowKernels.SwiGlu<T>(At<T>(source, 2 * row, width), At<T>(source, (2 * row) + 1, width), At<T>(target, row, width), width));
        return result;
    }

    private static Tensor SwiGluBackward<T>(Tensor gateUp, Tensor gradient)
        where T : struct, IRowElement
    {
        var (rows, width) = (gateUp.size(0), (int)(gateUp.size(1) / 2));
        var result = empty_like(gateUp);
        byte* source = TensorMemory.Pointer(gateUp), upstream = TensorMemory.Pointer(gradient), target = TensorMemory.Pointer(result);
        ForRows(rows, 4 * width, row => RowKernels.SwiGluBackward<T>(
            At<T>(source, 2 * row, width),
            At<T>(source, (2 * row) + 1, width),
            At<T>(upstream, row, width),
            At<T>(target, 2 * row, width),
            At<T>(target, (2 * row) + 1, width),
            width));
        return result;
    }

    private static void Add<T>(Tensor sum, Tensor term)
        where T : struct, IRowElement
    {
        var (rows, width) = (sum.size(0), (int)sum.size(1));
        byte* target = TensorMemory.Pointer(sum), source = TensorMemory.Pointer(term);
        ForRows(rows, width, row => RowKernels.Add<T>(At<T>(target, row, width), At<T>(source, row, width), width));
    }

    private static byte* At<T>(byte* start, long row, int width)
        where T : struct, IRowElement
        => start + (row * width * T.Size);

    private static bool IsBrain(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.BFloat16 => true,
        ScalarType.Float32 => false,
        var other => throw new ArgumentException($"The tensor is {other}, not float32 or bfloat16.", nameof(tensor)),
    };

    private static void ForRows(long rows, int width, Action<long> body) => KernelParallel.For(rows, Math.Max(1, LeastElements / width), (from, to) =>
    {
        for (var row = from; row < to; row++)
        {
            body(row);
        }
    });

    private static void ForRows(long rows, int width, int scratch, RowBody body) => KernelParallel.For(rows, Math.Max(1, LeastElements / width), (from, to) =>
    {
        using var buffer = new RowBuffer(scratch);
        var own = buffer.Take(scratch);
        for (var row = from; row < to; row++)
        {
            body(row, own);
        }
    });
}
