using System.Runtime.CompilerServices;
using Orchestrator.Worker.Adapters;

namespace Orchestrator.Worker.Models;

/// <summary>Some ranks and features of one A or B, whose gradient one thread adds up over all tokens.</summary>
/// <remarks>Reads only what it is given, writes only its own elements of the flat gradient: cuts may run side by side.</remarks>
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
    /// <param name="tokens">Rows of the factors.</param>
    [SkipLocalsInit]
    public void AddTo(float* flat, int tokens)
    {
        var memory = stackalloc float[((RanksAtOnce + TokensAtOnce) * FeaturesAtOnce) + BlockProduct.Lanes];
        var sums = Block.Aligned(memory, FeaturesAtOnce);
        var wide = sums.At(RanksAtOnce, 0);
        var columns = BlockProduct.Padded(_features);
        for (var token = 0; token < tokens; token += TokensAtOnce)
        {
            var count = Math.Min(TokensAtOnce, tokens - token);
            var right = Features(token, count, wide);
            for (var rank = 0; rank < _ranks; rank += LoraRows.Count)
            {
                BlockProduct.EightRows(_left.LeftTransposed(_rank + rank, token), right, sums.At(rank, 0), count, columns, add: token > 0);
            }
        }

        Add(flat + _place.Offset, sums);
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

    private void Add(float* parameter, Block sums)
    {
        var stride = _place.Shape[1];
        for (var rank = 0; rank < _ranks; rank++)
        {
            var own = sums.Row(rank, _features);
            if (_place.IsA)
            {
                RowMath.AddScaled(new Span<float>(parameter + ((_rank + rank) * stride) + _feature, _features), own, 1f);
                continue;
            }

            for (var i = 0; i < own.Length; i++)
            {
                parameter[((_feature + i) * stride) + _rank + rank] += own[i];
            }
        }
    }
}
