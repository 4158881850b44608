using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>Products of small fp32 matrices in scratch memory, four rows of the result at a time.</summary>
/// <remarks>
/// Pure; the caller pads: columns are a multiple of 16 and four rows may be read and written. Each element is a chain of fused multiply-adds in the order of the steps, so its bits
/// depend on its own row, column and steps alone.
/// </remarks>
internal static unsafe class BlockProduct
{
    /// <summary>Rows that one call computes.</summary>
    public const int Rows = 4;

    /// <summary>Lanes of a vector: what columns are padded to.</summary>
    public const int Lanes = 16;

    /// <summary>c[r, j] = (c[r, j] +) sum over k of a[r, k] * b[k, j] for four rows.</summary>
    /// <param name="a">The left factor, with any strides: a transposed one costs nothing.</param>
    /// <param name="b">[steps, columns], rows <see cref="Block.Stride"/> apart.</param>
    /// <param name="c">[4, columns].</param>
    /// <param name="steps">Length of the sums.</param>
    /// <param name="columns">A multiple of 16.</param>
    /// <param name="add">Whether the result is added to c.</param>
    public static void FourRows(LeftFactor a, Block b, Block c, int steps, int columns, bool add)
    {
        var j = 0;
        for (; j + (2 * Lanes) <= columns; j += 2 * Lanes)
        {
            TwoVectors(a, b.At(0, j), c.At(0, j), steps, add);
        }

        if (j < columns)
        {
            OneVector(a, b.At(0, j), c.At(0, j), steps, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoVectors(LeftFactor a, Block b, Block c, int steps, bool add)
    {
        float* c0 = c.Start, c1 = c0 + c.Stride, c2 = c1 + c.Stride, c3 = c2 + c.Stride;
        var (s00, s01, s10, s11) = (Begin(c0, add), Begin(c0 + Lanes, add), Begin(c1, add), Begin(c1 + Lanes, add));
        var (s20, s21, s30, s31) = (Begin(c2, add), Begin(c2 + Lanes, add), Begin(c3, add), Begin(c3 + Lanes, add));
        float* left = a.Start, right = b.Start;
        for (var k = 0; k < steps; k++, left += a.StepStride, right += b.Stride)
        {
            var (b0, b1) = (Vector512.Load(right), Vector512.Load(right + Lanes));
            var a0 = Vector512.Create(left[0]);
            s00 = Vector512.FusedMultiplyAdd(a0, b0, s00);
            s01 = Vector512.FusedMultiplyAdd(a0, b1, s01);
            var a1 = Vector512.Create(left[a.RowStride]);
            s10 = Vector512.FusedMultiplyAdd(a1, b0, s10);
            s11 = Vector512.FusedMultiplyAdd(a1, b1, s11);
            var a2 = Vector512.Create(left[2 * a.RowStride]);
            s20 = Vector512.FusedMultiplyAdd(a2, b0, s20);
            s21 = Vector512.FusedMultiplyAdd(a2, b1, s21);
            var a3 = Vector512.Create(left[3 * a.RowStride]);
            s30 = Vector512.FusedMultiplyAdd(a3, b0, s30);
            s31 = Vector512.FusedMultiplyAdd(a3, b1, s31);
        }

        s00.Store(c0);
        s01.Store(c0 + Lanes);
        s10.Store(c1);
        s11.Store(c1 + Lanes);
        s20.Store(c2);
        s21.Store(c2 + Lanes);
        s30.Store(c3);
        s31.Store(c3 + Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneVector(LeftFactor a, Block b, Block c, int steps, bool add)
    {
        float* c0 = c.Start, c1 = c0 + c.Stride, c2 = c1 + c.Stride, c3 = c2 + c.Stride;
        var (s0, s1, s2, s3) = (Begin(c0, add), Begin(c1, add), Begin(c2, add), Begin(c3, add));
        float* left = a.Start, right = b.Start;
        for (var k = 0; k < steps; k++, left += a.StepStride, right += b.Stride)
        {
            var values = Vector512.Load(right);
            s0 = Vector512.FusedMultiplyAdd(Vector512.Create(left[0]), values, s0);
            s1 = Vector512.FusedMultiplyAdd(Vector512.Create(left[a.RowStride]), values, s1);
            s2 = Vector512.FusedMultiplyAdd(Vector512.Create(left[2 * a.RowStride]), values, s2);
            s3 = Vector512.FusedMultiplyAdd(Vector512.Create(left[3 * a.RowStride]), values, s3);
        }

        s0.Store(c0);
        s1.Store(c1);
        s2.Store(c2);
        s3.Store(c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Begin(float* at, bool add) => add ? Vector512.Load(at) : Vector512<float>.Zero;
}
