using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Models;

/// <summary>Matrices of low-rank pairs as right factors of a <see cref="BlockProduct"/>: columns padded with zeros to whole vectors.</summary>
internal static unsafe class LoraFactors
{
    private const int Side = BlockProduct.Lanes;

    /// <summary>Copies rows, and zeros up to the next whole vector of each.</summary>
    public static void Copy(Block source, int rows, int columns, Block target)
    {
        for (var row = 0; row < rows; row++)
        {
            source.Row(row, columns).CopyTo(target.Row(row, columns));
            target.At(row, columns).Row(0, BlockProduct.Padded(columns) - columns).Clear();
        }
    }

    /// <summary>Writes the transpose [columns, rows], and zeros up to the next whole vector of its rows.</summary>
    public static void Transpose(Block source, int rows, int columns, Block target)
    {
        if (!Avx.IsSupported || rows % Side != 0 || columns % VectorProduct.SquareSide != 0)
        {
            TransposeElements(source, rows, columns, target);
            return;
        }

        for (var row = 0; row < rows; row += VectorProduct.SquareSide)
        {
            for (var column = 0; column < columns; column += VectorProduct.SquareSide)
            {
                VectorProduct.TransposeSquare(source.At(row, column), target.At(column, row));
            }
        }
    }

    private static void TransposeElements(Block source, int rows, int columns, Block target)
    {
        for (var column = 0; column < columns; column++)
        {
            var row = target.Row(column, BlockProduct.Padded(rows));
            for (var i = 0; i < rows; i++)
            {
                row[i] = source.At(i, column).Start[0];
            }

            row[rows..].Clear();
        }
    }
}
