using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>Matrices of low-rank pairs as right factors of a <see cref="BlockProduct"/>: columns padded to whole vectors.</summary>
/// <remarks>What is made belongs to the caller's dispose scope. Padding columns hold zeros. Compute thread only.</remarks>
internal static unsafe class LoraFactors
{
    // Below this many elements a thread's part is not worth waking the thread.
    private const long LeastElements = 1 << 15;

    /// <summary>An uninitialised matrix, every row on a vector's boundary.</summary>
    public static Block Matrix(long rows, int columns) => new((nint)TensorMemory.Pointer(empty([rows, BlockProduct.Padded(columns)], ScalarType.Float32)), BlockProduct.Padded(columns));

    /// <summary>The matrix itself where its columns are whole vectors, else a padded copy.</summary>
    /// <param name="matrix">fp32 [rows, columns], alive as long as the result.</param>
    public static Block Straight(Tensor matrix)
    {
        var (rows, columns) = ((int)matrix.shape[0], (int)matrix.shape[1]);
        var source = (float*)TensorMemory.Pointer(matrix);
        if (columns % BlockProduct.Lanes == 0)
        {
            return new Block((nint)source, columns);
        }

        var result = Matrix(rows, columns);
        for (var row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(source + ((long)row * columns), columns).CopyTo(result.Row(row, columns));
            result.At(row, columns).Row(0, result.Stride - columns).Clear();
        }

        return result;
    }

    /// <summary>The transpose [columns, rows], padded.</summary>
    public static Block Transposed(Tensor matrix)
    {
        var result = Matrix(matrix.shape[1], (int)matrix.shape[0]);
        Transpose(matrix, result);
        return result;
    }

    /// <summary>Writes the transpose [columns, rows] into a block, and zeros up to the next whole vector of its rows.</summary>
    public static void Transpose(Tensor matrix, Block target)
    {
        var (rows, columns) = ((int)matrix.shape[0], (int)matrix.shape[1]);
        var source = (nint)TensorMemory.Pointer(matrix);
        KernelParallel.For(columns, Math.Max(1, LeastElements / rows), (from, to) => Transpose((float*)source, rows, columns, (int)from, (int)to, target));
    }

    private static void Transpose(float* source, int rows, int columns, int from, int to, Block target)
    {
        // A square of elements at a time: both sides then stay in a core's cache whichever is the longer.
        const int Side = BlockProduct.Lanes;
        for (var row = 0; row < rows; row += Side)
        {
            var count = Math.Min(Side, rows - row);
            for (var column = from; column < to; column++)
            {
                float* to16 = target.At(column, row).Start, from16 = source + ((long)row * columns) + column;
                for (var i = 0; i < count; i++)
                {
                    to16[i] = from16[(long)i * columns];
                }

                for (var i = count; i < Side; i++)
                {
                    to16[i] = 0;
                }
            }
        }
    }
}
