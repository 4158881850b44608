using Orchestrator.Worker.Kernels;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>Causal attention inside each sample, a block of queries against all keys they may see at a time; no tokens x tokens tensor exists.</summary>
/// <remarks>
/// The block size is a constant of the job, so the same products are made on every layout. The query heads that share a key head are rows of one product. Scores and weights have the
/// compute dtype, softmax is fp32 inside, gradients of keys and values are added up in fp32. One thread a micro-batch.
/// </remarks>
internal sealed class BlockedAttention
{
    private readonly HeadRange _queries;
    private readonly HeadRange _keys;
    private readonly HeadRange _values;
    private readonly int _window;
    private readonly int _blockSize;
    private readonly float _scale;
    private readonly FusedOperations _operations;

    public BlockedAttention(ProjectedHeads heads, int window, int blockSize, FusedOperations operations)
    {
        (_queries, _keys, _values) = (heads.Queries, heads.Keys, heads.Values);
        (_window, _blockSize, _operations) = (window, blockSize, operations);
        _scale = (float)(1.0 / Math.Sqrt(_queries.HeadDim));
    }

    /// <summary>Splits and rotates [tokens, q k v].</summary>
    public AttentionHeads Split(Tensor projected, PassContext pass)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Attention);
        return new AttentionHeads(
            _operations.TakeHeads(projected, _queries, pass.Angles),
            _operations.TakeHeads(projected, _keys, pass.Angles),
            _operations.TakeHeads(projected, _values, null));
    }

    /// <summary>[tokens, heads * head_dim].</summary>
    public Tensor Forward(AttentionHeads heads, PassContext pass) => Forward(heads, Blocks(pass.Part.Lengths));

    /// <summary>[queries, heads * head_dim] of one sample whose queries belong to the last of its keys.</summary>
    public Tensor Continue(AttentionHeads heads) => Forward(heads, Blocks(0, (int)heads.Queries.shape[1], (int)(heads.Keys.shape[1] - heads.Queries.shape[1])));

    private Tensor Forward(AttentionHeads heads, IEnumerable<QueryBlock> blocks)
    {
        using var scope = NewDisposeScope();
        var tokens = heads.Queries.shape[1];
        var output = empty([tokens, _queries.Columns], heads.Keys.dtype, heads.Keys.device);
        var byGroup = output.view(tokens, _queries.Groups, _queries.GroupSize * _queries.HeadDim).transpose(0, 1);
        foreach (var block in blocks)
        {
            using var inner = NewDisposeScope();
            var weights = Weights(heads, block);
            var result = bmm(weights, Range(heads.Values, block.KeyStart, block.Keys));
            byGroup.narrow(1, block.QueryStart, block.Queries).copy_(result.view(_queries.Groups, block.Queries, -1));
        }

        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Fills <paramref name="gradient"/>, the gradient of [tokens, q k v].</summary>
    public void Backward(AttentionHeads heads, Tensor outputGradient, Tensor gradient, PassContext pass)
    {
        using var scope = NewDisposeScope();
        var outputHeads = _operations.TakeHeads(outputGradient, _queries, null);
        var dQueries = empty_like(heads.Queries);
        var dKeys = zeros(heads.Keys.shape, ScalarType.Float32, heads.Keys.device);
        var dValues = zeros(heads.Values.shape, ScalarType.Float32, heads.Values.device);
        foreach (var block in Blocks(pass.Part.Lengths))
        {
            using var inner = NewDisposeScope();
            var weights = Weights(heads, block);
            var rows = QueryRows(outputHeads, block);
            Add(Range(dValues, block.KeyStart, block.Keys), weights.transpose(1, 2), rows);
            var dScores = bmm(rows, Range(heads.Values, block.KeyStart, block.Keys).transpose(1, 2));
            _operations.AttentionWeightsBackward(weights, dScores, block.Scores, _scale);
            Add(Range(dKeys, block.KeyStart, block.Keys), dScores.transpose(1, 2), QueryRows(heads.Queries, block));
            var result = bmm(dScores, Range(heads.Keys, block.KeyStart, block.Keys));
            Range(dQueries, block.QueryStart, block.Queries).copy_(result.view(_queries.Groups, block.Queries, -1));
        }

        _operations.PutHeads(dQueries, gradient, _queries, pass.Angles);
        _operations.PutHeads(dKeys, gradient, _keys, pass.Angles);
        _operations.PutHeads(dValues, gradient, _values, null);
    }

    private Tensor Weights(AttentionHeads heads, QueryBlock block)
    {
        var scores = bmm(QueryRows(heads.Queries, block), Range(heads.Keys, block.KeyStart, block.Keys).transpose(1, 2));
        _operations.AttentionWeights(scores, block.Scores, _scale);
        return scores;
    }

    /// <summary>[key heads, queries * group, head_dim]: a row a query head.</summary>
    private Tensor QueryRows(Tensor queries, QueryBlock block)
        => queries.view(_queries.Groups, -1, _queries.HeadDim).narrow(1, (long)block.QueryStart * _queries.GroupSize, (long)block.Queries * _queries.GroupSize);

    private static Tensor Range(Tensor heads, int start, int count) => heads.narrow(1, start, count);

    private static void Add(Tensor sum, Tensor left, Tensor right) => sum.Add(bmm(left, right));

    private IEnumerable<QueryBlock> Blocks(int[] lengths)
    {
        var start = 0;
        foreach (var length in lengths)
        {
            foreach (var block in Blocks(start, length, 0))
            {
                yield return block;
            }

            start += length;
        }
    }

    /// <summary>The blocks of one sample.</summary>
    /// <param name="start">Where its queries, and its keys, begin.</param>
    /// <param name="length">Its queries.</param>
    /// <param name="earlier">Keys before the first query's own.</param>
    private IEnumerable<QueryBlock> Blocks(int start, int length, int earlier)
    {
        for (var query = 0; query < length; query += _blockSize)
        {
            var queries = Math.Min(_blockSize, length - query);
            var position = earlier + query;
            var firstKey = _window == 0 ? 0 : Math.Max(0, position - _window + 1);
            var scores = new AttentionBlock(position, _queries.GroupSize, firstKey, _window);
            yield return new QueryBlock(start + query, queries, start + firstKey, position + queries - firstKey, scores);
        }
    }

    /// <summary>A block of queries and the keys that its last query may see, as places in the micro-batch.</summary>
    private readonly record struct QueryBlock(int QueryStart, int Queries, int KeyStart, int Keys, AttentionBlock Scores);
}
