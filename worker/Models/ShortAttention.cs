using System.Buffers;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>Causal attention of short samples on the CPU: all of it, rotation included, one call a sample and key head.</summary>
/// <remarks>
/// Everything between the projection and the output is fp32 and stays in a core's cache, where <see cref="BlockedAttention"/> would start a dozen small products. Equal to it up to
/// rounding. Which of the two runs depends on the samples' lengths and the model alone, so it is the same on every layout. A sample and key head is computed whole by one thread:
/// its bits do not depend on threads. Compute thread only; the calls run on all compute threads.
/// </remarks>
internal sealed unsafe class ShortAttention
{
    /// <summary>Tokens of the longest sample: the scores of a head then fit a core's cache.</summary>
    public const int MaxTokens = 256;

    private readonly HeadRange _queries;
    private readonly HeadRange _keys;
    private readonly HeadRange _values;
    private readonly int _window;
    private readonly float _scale;

    public ShortAttention(ProjectedHeads heads, int window)
    {
        (_queries, _keys, _values, _window) = (heads.Queries, heads.Keys, heads.Values, window);
        _scale = (float)(1.0 / Math.Sqrt(_queries.HeadDim));
    }

    /// <summary>Whether it can compute a part of such heads and samples.</summary>
    public static bool Fits(ProjectedHeads heads, int[] lengths)
        => heads.Queries.HeadDim % BlockProduct.Lanes == 0 && Array.TrueForAll(lengths, length => length <= MaxTokens);

    /// <summary>[tokens, q k v] to [tokens, heads * head_dim].</summary>
    public Tensor Forward(Tensor projected, PassContext pass)
    {
        var output = empty([projected.shape[0], _queries.Columns], projected.dtype);
        var (source, target) = (Rows.Of(projected, (int)projected.shape[1]), Rows.Of(output, _queries.Columns));
        ForHeads(pass, (sample, group) =>
        {
            using var scratch = new Scratch(sample.Length, _queries.HeadDim);
            LoadKeys(source, sample, group, scratch);
            for (var head = group * _queries.GroupSize; head < (group + 1) * _queries.GroupSize; head++)
            {
                LoadHead(source, sample, _queries.FirstColumn + (head * _queries.HeadDim), scratch.Q, rotate: true);
                Weights(sample.Length, scratch);
                RowsTimes(scratch.P, scratch.V, scratch.DQ, sample.Length);
                Store(scratch.DQ, target, sample, head * _queries.HeadDim, rotateBack: false);
            }
        });
        return output;
    }

    /// <summary>Fills <paramref name="gradient"/>, the gradient of [tokens, q k v].</summary>
    public void Backward(Tensor projected, Tensor outputGradient, Tensor gradient, PassContext pass)
    {
        var width = (int)projected.shape[1];
        var (source, upstream, target) = (Rows.Of(projected, width), Rows.Of(outputGradient, _queries.Columns), Rows.Of(gradient, width));
        ForHeads(pass, (sample, group) =>
        {
            using var scratch = new Scratch(sample.Length, _queries.HeadDim);
            LoadKeys(source, sample, group, scratch);
            Transpose(scratch.V, scratch.VT, sample.Length, _queries.HeadDim);
            for (var i = 0; i < _queries.GroupSize; i++)
            {
                var column = ((group * _queries.GroupSize) + i) * _queries.HeadDim;
                LoadHead(source, sample, _queries.FirstColumn + column, scratch.Q, rotate: true);
                LoadHead(upstream, sample, column, scratch.DO, rotate: false);
                HeadBackward(sample.Length, scratch, first: i == 0);
                Store(scratch.DQ, target, sample, _queries.FirstColumn + column, rotateBack: true);
            }

            Store(scratch.DK, target, sample, _keys.FirstColumn + (group * _keys.HeadDim), rotateBack: true);
            Store(scratch.DV, target, sample, _values.FirstColumn + (group * _values.HeadDim), rotateBack: false);
        });
    }

    /// <summary>dQ of one query head; its part of dK and dV is added to those of the heads before it.</summary>
    private void HeadBackward(int length, in Scratch scratch, bool first)
    {
        Weights(length, scratch);
        for (var row = 0; row < length; row += BlockProduct.Rows)
        {
            BlockProduct.EightRows(scratch.DO.Left(row, 0), scratch.VT, scratch.DP.At(row, 0), _queries.HeadDim, BlockProduct.Padded(row + BlockProduct.Rows), add: false);
        }

        for (var row = 0; row < length; row++)
        {
            var seen = BlockProduct.Padded(row + 1);
            RowMath.SoftmaxBackward(scratch.P.Row(row, seen), scratch.DP.Row(row, seen), _scale);
        }

        RowsTimes(scratch.DP, scratch.K, scratch.DQ, length);
        for (var key = 0; key < length; key += BlockProduct.Rows)
        {
            BlockProduct.EightRows(scratch.DP.LeftTransposed(key, key), scratch.Q.At(key, 0), scratch.DK.At(key, 0), length - key, _queries.HeadDim, add: !first);
            BlockProduct.EightRows(scratch.P.LeftTransposed(key, key), scratch.DO.At(key, 0), scratch.DV.At(key, 0), length - key, _queries.HeadDim, add: !first);
        }
    }

    /// <summary>P = softmax of the scores of Q and K over the keys that a query sees; 0 elsewhere, up to the next whole vector.</summary>
    private void Weights(int length, in Scratch scratch)
    {
        for (var row = 0; row < length; row += BlockProduct.Rows)
        {
            BlockProduct.EightRows(scratch.Q.Left(row, 0), scratch.KT, scratch.P.At(row, 0), _queries.HeadDim, BlockProduct.Padded(row + BlockProduct.Rows), add: false);
        }

        for (var row = 0; row < length; row++)
        {
            var scores = scratch.P.Row(row, BlockProduct.Padded(row + 1));
            scores[(row + 1)..].Fill(float.NegativeInfinity);
            if (_window != 0)
            {
                scores[..Math.Max(0, row + 1 - _window)].Fill(float.NegativeInfinity);
            }

            RowMath.Softmax(scores, _scale);
        }
    }

    /// <summary>result = causal rows times a matrix.</summary>
    private void RowsTimes(Block rows, Block matrix, Block result, int length)
    {
        for (var row = 0; row < length; row += BlockProduct.Rows)
        {
            BlockProduct.EightRows(rows.Left(row, 0), matrix, result.At(row, 0), row + BlockProduct.Rows, _queries.HeadDim, add: false);
        }
    }

    private void LoadKeys(Rows source, Sample sample, int group, in Scratch scratch)
    {
        LoadHead(source, sample, _keys.FirstColumn + (group * _keys.HeadDim), scratch.K, rotate: true);
        LoadHead(source, sample, _values.FirstColumn + (group * _values.HeadDim), scratch.V, rotate: false);
        Transpose(scratch.K, scratch.KT, sample.Length, _keys.HeadDim);
    }

    /// <summary>A head of every token; rows up to the next whole vector are zero.</summary>
    private void LoadHead(Rows source, Sample sample, int column, Block target, bool rotate)
    {
        for (var token = 0; token < sample.Length; token++)
        {
            var row = target.Row(token, _queries.HeadDim);
            source.Load(sample.Start + token, row, column);
            if (rotate)
            {
                RowMath.Rotate(row, sample.Angles(token, _queries.HeadDim), forward: true);
            }
        }

        for (var token = sample.Length; token < BlockProduct.Padded(sample.Length); token++)
        {
            target.Row(token, _queries.HeadDim).Clear();
        }
    }

    private void Store(Block source, Rows target, Sample sample, int column, bool rotateBack)
    {
        for (var token = 0; token < sample.Length; token++)
        {
            var row = source.Row(token, _queries.HeadDim);
            if (rotateBack)
            {
                RowMath.Rotate(row, sample.Angles(token, _queries.HeadDim), forward: false);
            }

            target.Store(sample.Start + token, row, column);
        }
    }

    private static void Transpose(Block source, Block target, int length, int width)
    {
        for (var token = 0; token < BlockProduct.Padded(length); token++)
        {
            var row = source.Row(token, width);
            for (var i = 0; i < width; i++)
            {
                target.Start[(i * target.Stride) + token] = row[i];
            }
        }
    }

    /// <summary>All samples of the first key head, then of the second, and so on: equal cuts are about equal work.</summary>
    private void ForHeads(PassContext pass, Action<Sample, int> body)
    {
        var lengths = pass.Part.Lengths;
        var starts = new int[lengths.Length];
        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] = starts[i - 1] + lengths[i - 1];
        }

        var angles = (nint)TensorMemory.Pointer(pass.Angles!);
        KernelParallel.For((long)lengths.Length * _queries.Groups, 1, (from, to) =>
        {
            for (var item = (int)from; item < to; item++)
            {
                var sample = item % lengths.Length;
                body(new Sample(starts[sample], lengths[sample], angles), item / lengths.Length);
            }
        });
    }

    /// <summary>A sample's place in the part, and the part's table of angles.</summary>
    private readonly record struct Sample(int Start, int Length, nint AngleTable)
    {
        public ReadOnlySpan<float> Angles(int token, int headDim) => new((float*)AngleTable + ((long)(Start + token) * headDim), headDim);
    }

    /// <summary>The matrices of one sample and key head, aligned to whole vectors.</summary>
    /// <remarks>Pooled; used by one thread.</remarks>
    private readonly ref struct Scratch
    {
        private readonly float[] _rented;
        private readonly System.Runtime.InteropServices.GCHandle _pin;

        public Scratch(int length, int headDim)
        {
            var tokens = BlockProduct.Padded(length);
            _rented = ArrayPool<float>.Shared.Rent((9 * tokens * headDim) + (2 * tokens * tokens) + BlockProduct.Lanes);
            _pin = System.Runtime.InteropServices.GCHandle.Alloc(_rented, System.Runtime.InteropServices.GCHandleType.Pinned);
            var next = (_pin.AddrOfPinnedObject() + 63) & ~(nint)63;
            (Q, K, V) = (Take(ref next, tokens, headDim), Take(ref next, tokens, headDim), Take(ref next, tokens, headDim));
            (DO, DQ, DK, DV) = (Take(ref next, tokens, headDim), Take(ref next, tokens, headDim), Take(ref next, tokens, headDim), Take(ref next, tokens, headDim));
            (KT, VT) = (Take(ref next, headDim, tokens), Take(ref next, headDim, tokens));
            (P, DP) = (Take(ref next, tokens, tokens), Take(ref next, tokens, tokens));
        }

        public Block Q { get; }

        public Block K { get; }

        public Block V { get; }

        /// <summary>[head_dim, tokens].</summary>
        public Block KT { get; }

        /// <summary>[head_dim, tokens].</summary>
        public Block VT { get; }

        public Block DO { get; }

        /// <summary>The output in a forward.</summary>
        public Block DQ { get; }

        public Block DK { get; }

        public Block DV { get; }

        /// <summary>Scores, then weights.</summary>
        public Block P { get; }

        /// <summary>Gradient of the weights, then of the scores.</summary>
        public Block DP { get; }

        public void Dispose()
        {
            _pin.Free();
            ArrayPool<float>.Shared.Return(_rented);
        }

        private static Block Take(ref nint next, int rows, int columns)
        {
            var block = new Block(next, columns);
            next += (nint)rows * columns * sizeof(float);
            return block;
        }
    }
}
