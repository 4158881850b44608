using System.Buffers;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>Causal attention on the CPU: all of it, rotation included, one call a sample and key head.</summary>
/// <remarks>
/// Everything between the projection and the output is fp32 and stays in a core's caches, where <see cref="BlockedAttention"/> would start a dozen small products; keys that a query may
/// not see cost next to nothing. Equal to it up to rounding. Which of the two runs depends on the samples' lengths, the dtype and the model alone, so it is the same on every layout. A
/// sample and key head is computed whole by one thread, and every sum runs over keys, queries or features in their order: its bits depend neither on threads nor on
/// <see cref="QueriesAtOnce"/>. One caller a micro-batch; the calls run on its team of threads.
/// </remarks>
internal sealed unsafe class VectorAttention
{
    /// <summary>Tokens of the longest sample that it takes in bf16: the library has faster products for longer ones.</summary>
    public const int MaxBrainTokens = 256;

    // The scores of so many queries stay in a core's second cache, their rows of a product in the first.
    private const int QueriesAtOnce = 64;
    private const int KeysAtOnce = 2 * BlockProduct.Lanes;

    private readonly HeadRange _queries;
    private readonly HeadRange _keys;
    private readonly HeadRange _values;
    private readonly int _window;
    private readonly float _scale;

    public VectorAttention(ProjectedHeads heads, int window)
    {
        (_queries, _keys, _values, _window) = (heads.Queries, heads.Keys, heads.Values, window);
        _scale = (float)(1.0 / Math.Sqrt(_queries.HeadDim));
    }

    /// <summary>Whether it can compute a part of such heads and samples.</summary>
    /// <param name="heads">The heads.</param>
    /// <param name="dtype">Of the projection.</param>
    /// <param name="lengths">Of the samples.</param>
    public static bool Fits(ProjectedHeads heads, ScalarType dtype, int[] lengths)
        => heads.Queries.HeadDim % BlockProduct.Lanes == 0 && (dtype == ScalarType.Float32 || Array.TrueForAll(lengths, length => length <= MaxBrainTokens));

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
                foreach (var block in Blocks(sample))
                {
                    LoadHead(source, block.Rows, _queries.FirstColumn + (head * _queries.HeadDim), scratch.Q, rotate: true);
                    Weights(block, scratch);
                    RowsTimes(block, scratch.P, scratch.V, scratch.DQ);
                    Store(scratch.DQ, target, block.Rows, head * _queries.HeadDim, rotateBack: false);
                }
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
            LoraFactors.Transpose(scratch.V, BlockProduct.Padded(sample.Length), _queries.HeadDim, scratch.VT);
            for (var i = 0; i < _queries.GroupSize; i++)
            {
                var column = ((group * _queries.GroupSize) + i) * _queries.HeadDim;
                foreach (var block in Blocks(sample))
                {
                    LoadHead(source, block.Rows, _queries.FirstColumn + column, scratch.Q, rotate: true);
                    LoadHead(upstream, block.Rows, column, scratch.DO, rotate: false);
                    BlockBackward(block, scratch, firstHead: i == 0);
                    Store(scratch.DQ, target, block.Rows, _queries.FirstColumn + column, rotateBack: true);
                }
            }

            Store(scratch.DK, target, sample, _keys.FirstColumn + (group * _keys.HeadDim), rotateBack: true);
            Store(scratch.DV, target, sample, _values.FirstColumn + (group * _values.HeadDim), rotateBack: false);
        });
    }

    /// <summary>dQ of a block; its part of dK and dV is added to those of the blocks and heads before it.</summary>
    private void BlockBackward(QueryBlock block, in Scratch scratch, bool firstHead)
    {
        Weights(block, scratch);
        Scores(block, scratch.DO, scratch.VT, scratch.DP);
        for (var row = 0; row < block.Rows.Length; row++)
        {
            var seen = BlockProduct.Padded(block.First + row + 1);
            RowMath.SoftmaxBackward(scratch.P.Row(row, seen), scratch.DP.Row(row, seen), _scale);
        }

        RowsTimes(block, scratch.DP, scratch.K, scratch.DQ);
        for (var key = 0; key < block.End; key += BlockProduct.Rows)
        {
            // The first query that sees the first of these keys; none before this block does where it lies in it.
            var query = Math.Max(0, key - block.First);
            var (count, add) = (block.Rows.Length - query, !firstHead || key < block.First);
            BlockProduct.EightRows(scratch.DP.LeftTransposed(key, query), scratch.Q.At(query, 0), scratch.DK.At(key, 0), count, _queries.HeadDim, add);
            BlockProduct.EightRows(scratch.P.LeftTransposed(key, query), scratch.DO.At(query, 0), scratch.DV.At(key, 0), count, _queries.HeadDim, add);
        }
    }

    /// <summary>P = softmax of the scores of Q and K over the keys that a query sees; 0 elsewhere, up to the next whole vector.</summary>
    private void Weights(QueryBlock block, in Scratch scratch)
    {
        Scores(block, scratch.Q, scratch.KT, scratch.P);
        for (var row = 0; row < block.Rows.Length; row++)
        {
            var seen = block.First + row + 1;
            var scores = scratch.P.Row(row, BlockProduct.Padded(seen));
            scores[seen..].Fill(float.NegativeInfinity);
            if (_window != 0)
            {
                scores[..Math.Max(0, seen - _window)].Fill(float.NegativeInfinity);
            }

            RowMath.Softmax(scores, _scale);
        }
    }

    /// <summary>result = a block's rows times [head_dim, tokens], up to the next whole vector behind the last key that a row sees; a few keys past all rows at a time.</summary>
    private void Scores(QueryBlock block, Block rows, Block transposed, Block result)
    {
        for (var key = 0; key < BlockProduct.Padded(block.End); key += KeysAtOnce)
        {
            for (var row = 0; row < block.Rows.Length; row += BlockProduct.Rows)
            {
                var columns = Math.Min(KeysAtOnce, BlockProduct.Padded(block.First + row + BlockProduct.Rows) - key);
                if (columns > 0)
                {
                    BlockProduct.EightRows(rows.Left(row, 0), transposed.At(0, key), result.At(row, key), _queries.HeadDim, columns, add: false);
                }
            }
        }
    }

    /// <summary>result = a block's rows over keys times [tokens, head_dim].</summary>
    private void RowsTimes(QueryBlock block, Block rows, Block matrix, Block result)
    {
        for (var row = 0; row < block.Rows.Length; row += BlockProduct.Rows)
        {
            BlockProduct.EightRows(rows.Left(row, 0), matrix, result.At(row, 0), block.First + row + BlockProduct.Rows, _queries.HeadDim, add: false);
        }
    }

    private void LoadKeys(Rows source, Sample sample, int group, in Scratch scratch)
    {
        LoadHead(source, sample, _keys.FirstColumn + (group * _keys.HeadDim), scratch.K, rotate: true);
        LoadHead(source, sample, _values.FirstColumn + (group * _values.HeadDim), scratch.V, rotate: false);
        LoraFactors.Transpose(scratch.K, BlockProduct.Padded(sample.Length), _keys.HeadDim, scratch.KT);
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

    private static IEnumerable<QueryBlock> Blocks(Sample sample)
    {
        for (var first = 0; first < sample.Length; first += QueriesAtOnce)
        {
            yield return new QueryBlock(first, sample with { Start = sample.Start + first, Length = Math.Min(QueriesAtOnce, sample.Length - first) });
        }
    }

    /// <summary>Some queries of a sample.</summary>
    /// <param name="First">The first one's place in the sample.</param>
    /// <param name="Rows">Their rows, as of a sample of their own.</param>
    private readonly record struct QueryBlock(int First, Sample Rows)
    {
        /// <summary>Keys that the last one sees.</summary>
        public int End => First + Rows.Length;
    }

    /// <summary>Rows of a sample in the part, and the part's table of angles.</summary>
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
            var queries = Math.Min(QueriesAtOnce, tokens);
            // Rows a power of two apart would take turns in a few lines of the cache.
            var keys = tokens + BlockProduct.Lanes;
            _rented = ArrayPool<float>.Shared.Rent((((3 * queries) + (4 * tokens)) * headDim) + (2 * keys * (headDim + queries)) + BlockProduct.Lanes);
            _pin = System.Runtime.InteropServices.GCHandle.Alloc(_rented, System.Runtime.InteropServices.GCHandleType.Pinned);
            var next = (_pin.AddrOfPinnedObject() + 63) & ~(nint)63;
            (Q, DO, DQ) = (Take(ref next, queries, headDim), Take(ref next, queries, headDim), Take(ref next, queries, headDim));
            (K, V, DK, DV) = (Take(ref next, tokens, headDim), Take(ref next, tokens, headDim), Take(ref next, tokens, headDim), Take(ref next, tokens, headDim));
            (KT, VT) = (Take(ref next, headDim, keys), Take(ref next, headDim, keys));
            (P, DP) = (Take(ref next, queries, keys), Take(ref next, queries, keys));
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
