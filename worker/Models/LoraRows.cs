using System.Runtime.CompilerServices;

namespace Orchestrator.Worker.Models;

/// <summary>Up to eight tokens on their way through low-rank products.</summary>
/// <param name="First">The first token.</param>
/// <param name="Tokens">How many; products compute <see cref="Count"/> rows all the same, the missing ones of zeros.</param>
internal readonly unsafe record struct LoraRows(int First, int Tokens)
{
    /// <summary>Rows of a product.</summary>
    public const int Count = BlockProduct.Rows;

    private const int StepsAtOnce = 512;
    private const int ColumnsAtOnce = 256;

    /// <summary>result = rows of a tensor times a factor.</summary>
    /// <param name="source">The tensor.</param>
    /// <param name="column">Its first column that counts.</param>
    /// <param name="steps">How many columns count.</param>
    /// <param name="factor">[steps, columns].</param>
    /// <param name="result">[8, columns].</param>
    /// <param name="columns">Whole vectors.</param>
    [SkipLocalsInit]
    public void Product(Rows source, int column, int steps, Block factor, Block result, int columns)
    {
        if (source.AreWide && Tokens == Count)
        {
            BlockProduct.EightRows(source.From(First, column).Left(0, 0), factor, result, steps, columns, add: false);
            return;
        }

        var memory = stackalloc float[(Count * StepsAtOnce) + BlockProduct.Lanes];
        var wide = Block.Aligned(memory, StepsAtOnce);
        for (var step = 0; step < steps; step += StepsAtOnce)
        {
            var count = Math.Min(StepsAtOnce, steps - step);
            Load(source, column + step, wide, count);
            BlockProduct.EightRows(wide.Left(0, 0), factor.At(step, 0), result, count, columns, add: step > 0);
        }
    }

    /// <summary>Adds a product to rows of a tensor, rounded once.</summary>
    /// <param name="left">[8, steps].</param>
    /// <param name="steps">Length of the sums.</param>
    /// <param name="factor">[steps, columns], padded.</param>
    /// <param name="target">The tensor.</param>
    /// <param name="column">Its first column that is changed.</param>
    /// <param name="columns">How many are.</param>
    [SkipLocalsInit]
    public void AddProduct(LeftFactor left, int steps, Block factor, Rows target, int column, int columns)
    {
        if (target.AreWide && Tokens == Count && columns % BlockProduct.Lanes == 0)
        {
            BlockProduct.EightRows(left, factor, target.From(First, column), steps, columns, add: true);
            return;
        }

        var memory = stackalloc float[(Count * ColumnsAtOnce) + BlockProduct.Lanes];
        var wide = Block.Aligned(memory, ColumnsAtOnce);
        for (var first = 0; first < columns; first += ColumnsAtOnce)
        {
            var count = Math.Min(ColumnsAtOnce, columns - first);
            Load(target, column + first, wide, count);
            BlockProduct.EightRows(left, factor.At(0, first), wide, steps, BlockProduct.Padded(count), add: true);
            for (var row = 0; row < Tokens; row++)
            {
                target.Store(First + row, wide.Row(row, count), column + first);
            }
        }
    }

    /// <summary>Multiplies eight rows.</summary>
    public static void Scale(Block rows, int columns, float factor)
    {
        for (var row = 0; row < Count; row++)
        {
            RowMath.Scale(rows.Row(row, columns), factor);
        }
    }

    private void Load(Rows source, int column, Block target, int count)
    {
        for (var row = 0; row < Count; row++)
        {
            if (row < Tokens)
            {
                source.Load(First + row, target.Row(row, count), column);
            }
            else
            {
                target.Row(row, count).Clear();
            }
        }
    }
}
