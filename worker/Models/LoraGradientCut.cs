using System.Runtime.CompilerServices;
using Orchestrator.Worker.Adapters;

namespace Orchestrator.Worker.Models;

/// <summary>Some ranks and features of one A or B, whose gradient one thread adds up over all tokens.</summary>
/// <remarks>
/// Reads only what it is given, writes only its own elements of the flat gradient: cuts may run side by side. A few tokens of one sample, counted from its first, are one chain of fused multiply-adds in
/// fp32; the chains are added in fp64. A chain has the same bits whatever the sample is packed with, and their sum is exact but for the rarest.
/// </remarks>
internal sealed unsafe class LoraGradientCut
{
    private const int RanksAtOnce = 64;
    private const int FeaturesAtOnce = 64;
    private const int TokensAtOnce = 64;

    private readonly AdapterParameter _place;
    private readonly Rows _source;
    private readonly int _column;
    private readonly Block _left;
    private readonly int _rank;
    private readonly int _ranks;
    private readonly int _feature;
    private readonly int _features;

    private LoraGradientCut(AdapterParameter place, Rows source, int column, Block left, (int First, int Count) ranks, (int First, int Count) features)
    {
        (_place, _source, _column, _left) = (place, source, column, left);
        (_rank, _ranks) = ranks;
        (_feature, _features) = features;
    }

    /// <summary>The cuts of a parameter.</summary>
    /// <param name="place">A [rank, features] or B [features, rank].</param>
    /// <param name="source">[tokens, ...]: A's input, or the gradient of B's output.</param>
    /// <param name="column">Where the features begin in it.</param>
    /// <param name="left">[tokens, ranks], ranks padded with zeros to whole vectors: the gradient of A's output, or B's input.</param>
    public static IEnumerable<LoraGradientCut> Of(AdapterParameter place, Rows source, int column, Block left)
    {
        var (ranks, features) = ((int)place.Shape[place.IsA ? 0 : 1], (int)place.Shape[place.IsA ? 1 : 0]);
        for (var rank = 0; rank < ranks; rank += RanksAtOnce)
        {
            for (var feature = 0; feature < features; feature += FeaturesAtOnce)
            {
                yield return new LoraGradientCut(place, source, column, left, (rank, Math.Min(RanksAtOnce, ranks - rank)), (feature, Math.Min(FeaturesAtOnce, features - feature)));
            }
        }
    }

    /// <summary>Adds the cut's gradient.</summary>
    /// <param name="flat">The stage's flat gradient.</param>
    /// <param name="lengths">Of the samples whose tokens are the factors' rows, in their order.</param>
    [SkipLocalsInit]
    public void AddTo(GradientSums flat, int[] lengths)
    {
        var memory = stackalloc float[((RanksAtOnce + TokensAtOnce) * FeaturesAtOnce) + BlockProduct.Lanes];
        var chains = Block.Aligned(memory, FeaturesAtOnce);
        var wide = chains.At(RanksAtOnce, 0);
        var columns = BlockProduct.Padded(_features);
        Span<double> sums = stackalloc double[RanksAtOnce * FeaturesAtOnce];
        sums[..(_ranks * FeaturesAtOnce)].Clear();
        var first = 0;
        foreach (var length in lengths)
        {
            for (var token = 0; token < length; token += TokensAtOnce)
            {
                var count = Math.Min(TokensAtOnce, length - token);
                var right = Features(first + token, count, wide);
                for (var rank = 0; rank < _ranks; rank += LoraRows.Count)
                {
                    BlockProduct.EightRows(_left.LeftTransposed(_rank + rank, first + token), right, chains.At(rank, 0), count, columns, add: false);
                }

                for (var rank = 0; rank < _ranks; rank++)
                {
                    RowMath.AddWidened(sums.Slice(rank * FeaturesAtOnce, columns), chains.Row(rank, columns));
                }
            }

            first += length;
        }

        Add(flat, sums);
    }

    /// <summary>[count, features] of some tokens as a right factor: the tensor itself where it can be, else a copy in <paramref name="wide"/>.</summary>
    private Block Features(int token, int count, Block wide)
    {
        if (_source.AreWide && _features % BlockProduct.Lanes == 0)
        {
            return _source.From(token, _column + _feature);
        }

        for (var row = 0; row < count; row++)
        {
            _source.Load(token + row, wide.Row(row, _features), _column + _feature);
        }

        return wide;
    }

    private void Add(GradientSums flat, ReadOnlySpan<double> sums)
    {
        var stride = _place.Shape[1];
        for (var rank = 0; rank < _ranks; rank++)
        {
            var own = sums.Slice(rank * FeaturesAtOnce, _features);
            if (_place.IsA)
            {
                flat.Add(_place.Offset + ((_rank + rank) * stride) + _feature, 1, own);
            }
            else
            {
                flat.Add(_place.Offset + (_feature * stride) + _rank + rank, stride, own);
            }
        }
    }
}
