using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>Products of small fp32 matrices in scratch memory, eight rows of the result at a time.</summary>
/// <remarks>
/// Pure; the caller pads: columns are a multiple of 16 and all rows of a call may be read and written. Each element is a chain of fused multiply-adds in the order of the steps, so its bits
/// depend on its own row, column and steps alone.
/// </remarks>
internal static unsafe class BlockProduct
{
    /// <summary>Rows that one call computes.</summary>
    public const int Rows = 8;

    /// <summary>Lanes of a vector: what columns are padded to.</summary>
    public const int Lanes = 16;

    /// <summary>The next multiple of a vector's lanes.</summary>
    public static int Padded(long columns) => (int)((columns + Lanes - 1) / Lanes * Lanes);

    /// <summary>c[r, j] = (c[r, j] +) sum over k of a[r, k] * b[k, j] for eight rows.</summary>
    /// <param name="a">The left factor, with any strides: a transposed one costs nothing.</param>
    /// <param name="b">[steps, columns], rows <see cref="Block.Stride"/> apart.</param>
    /// <param name="c">[8, columns].</param>
    /// <param name="steps">Length of the sums.</param>
    /// <param name="columns">A multiple of 16.</param>
    /// <param name="add">Whether the result is added to c.</param>
    public static void EightRows(LeftFactor a, Block b, Block c, int steps, int columns, bool add)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            FourByHalves(a, b, c, steps, columns, add);
            FourByHalves(a.Below(Rows / 2), b, c.At(Rows / 2, 0), steps, columns, add);
            return;
        }

        var j = 0;
        for (; j + (2 * Lanes) <= columns; j += 2 * Lanes)
        {
            EightByTwo(a, b.At(0, j), c.At(0, j), steps, add);
        }

        if (j < columns)
        {
            EightByOne(a, b.At(0, j), c.At(0, j), steps, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightByTwo(LeftFactor a, Block b, Block c, int steps, bool add)
    {
        float* c0 = c.Start, c1 = c0 + c.Stride, c2 = c1 + c.Stride, c3 = c2 + c.Stride;
        float* c4 = c3 + c.Stride, c5 = c4 + c.Stride, c6 = c5 + c.Stride, c7 = c6 + c.Stride;
        var (s00, s01, s10, s11) = (Begin(c0, add), Begin(c0 + Lanes, add), Begin(c1, add), Begin(c1 + Lanes, add));
        var (s20, s21, s30, s31) = (Begin(c2, add), Begin(c2 + Lanes, add), Begin(c3, add), Begin(c3 + Lanes, add));
        var (s40, s41, s50, s51) = (Begin(c4, add), Begin(c4 + Lanes, add), Begin(c5, add), Begin(c5 + Lanes, add));
        var (s60, s61, s70, s71) = (Begin(c6, add), Begin(c6 + Lanes, add), Begin(c7, add), Begin(c7 + Lanes, add));
        nint row = a.RowStride, three = 3 * row, five = 5 * row;
        float* left = a.Start, right = b.Start;
        for (var k = 0; k < steps; k++, left += a.StepStride, right += b.Stride)
        {
            var (b0, b1) = (Vector512.Load(right), Vector512.Load(right + Lanes));
            var a0 = Vector512.Create(left[0]);
            s00 = Vector512.FusedMultiplyAdd(a0, b0, s00);
            s01 = Vector512.FusedMultiplyAdd(a0, b1, s01);
            var a1 = Vector512.Create(left[row]);
            s10 = Vector512.FusedMultiplyAdd(a1, b0, s10);
            s11 = Vector512.FusedMultiplyAdd(a1, b1, s11);
            var a2 = Vector512.Create(left[2 * row]);
            s20 = Vector512.FusedMultiplyAdd(a2, b0, s20);
            s21 = Vector512.FusedMultiplyAdd(a2, b1, s21);
            var a3 = Vector512.Create(left[three]);
            s30 = Vector512.FusedMultiplyAdd(a3, b0, s30);
            s31 = Vector512.FusedMultiplyAdd(a3, b1, s31);
            var a4 = Vector512.Create(left[4 * row]);
            s40 = Vector512.FusedMultiplyAdd(a4, b0, s40);
            s41 = Vector512.FusedMultiplyAdd(a4, b1, s41);
            var a5 = Vector512.Create(left[five]);
            s50 = Vector512.FusedMultiplyAdd(a5, b0, s50);
            s51 = Vector512.FusedMultiplyAdd(a5, b1, s51);
            var a6 = Vector512.Create(left[2 * three]);
            s60 = Vector512.FusedMultiplyAdd(a6, b0, s60);
            s61 = Vector512.FusedMultiplyAdd(a6, b1, s61);
            var a7 = Vector512.Create(left[five + (2 * row)]);
            s70 = Vector512.FusedMultiplyAdd(a7, b0, s70);
            s71 = Vector512.FusedMultiplyAdd(a7, b1, s71);
        }

        s00.Store(c0);
        s01.Store(c0 + Lanes);
        s10.Store(c1);
        s11.Store(c1 + Lanes);
        s20.Store(c2);
        s21.Store(c2 + Lanes);
        s30.Store(c3);
        s31.Store(c3 + Lanes);
        s40.Store(c4);
        s41.Store(c4 + Lanes);
        s50.Store(c5);
        s51.Store(c5 + Lanes);
        s60.Store(c6);
        s61.Store(c6 + Lanes);
        s70.Store(c7);
        s71.Store(c7 + Lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightByOne(LeftFactor a, Block b, Block c, int steps, bool add)
    {
        float* c0 = c.Start, c1 = c0 + c.Stride, c2 = c1 + c.Stride, c3 = c2 + c.Stride;
        float* c4 = c3 + c.Stride, c5 = c4 + c.Stride, c6 = c5 + c.Stride, c7 = c6 + c.Stride;
        var (s0, s1, s2, s3) = (Begin(c0, add), Begin(c1, add), Begin(c2, add), Begin(c3, add));
        var (s4, s5, s6, s7) = (Begin(c4, add), Begin(c5, add), Begin(c6, add), Begin(c7, add));
        nint row = a.RowStride, three = 3 * row, five = 5 * row;
        float* left = a.Start, right = b.Start;
        for (var k = 0; k < steps; k++, left += a.StepStride, right += b.Stride)
        {
            var values = Vector512.Load(right);
            s0 = Vector512.FusedMultiplyAdd(Vector512.Create(left[0]), values, s0);
            s1 = Vector512.FusedMultiplyAdd(Vector512.Create(left[row]), values, s1);
            s2 = Vector512.FusedMultiplyAdd(Vector512.Create(left[2 * row]), values, s2);
            s3 = Vector512.FusedMultiplyAdd(Vector512.Create(left[three]), values, s3);
            s4 = Vector512.FusedMultiplyAdd(Vector512.Create(left[4 * row]), values, s4);
            s5 = Vector512.FusedMultiplyAdd(Vector512.Create(left[five]), values, s5);
            s6 = Vector512.FusedMultiplyAdd(Vector512.Create(left[2 * three]), values, s6);
            s7 = Vector512.FusedMultiplyAdd(Vector512.Create(left[five + (2 * row)]), values, s7);
        }

        s0.Store(c0);
        s1.Store(c1);
        s2.Store(c2);
        s3.Store(c3);
        s4.Store(c4);
        s5.Store(c5);
        s6.Store(c6);
        s7.Store(c7);
    }

    /// <summary>Four rows by one vector of 16 as two of 8: as many sums as a processor without longer vectors has registers for.</summary>
    private static void FourByHalves(LeftFactor a, Block b, Block c, int steps, int columns, bool add)
    {
        for (var j = 0; j < columns; j += Lanes)
        {
            FourByTwoHalves(a, b.At(0, j), c.At(0, j), steps, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwoHalves(LeftFactor a, Block b, Block c, int steps, bool add)
    {
        const int Half = Lanes / 2;
        float* c0 = c.Start, c1 = c0 + c.Stride, c2 = c1 + c.Stride, c3 = c2 + c.Stride;
        var (s00, s01, s10, s11) = (BeginHalf(c0, add), BeginHalf(c0 + Half, add), BeginHalf(c1, add), BeginHalf(c1 + Half, add));
        var (s20, s21, s30, s31) = (BeginHalf(c2, add), BeginHalf(c2 + Half, add), BeginHalf(c3, add), BeginHalf(c3 + Half, add));
        float* left = a.Start, right = b.Start;
        for (var k = 0; k < steps; k++, left += a.StepStride, right += b.Stride)
        {
            var (b0, b1) = (Vector256.Load(right), Vector256.Load(right + Half));
            var a0 = Vector256.Create(left[0]);
            s00 = Vector256.FusedMultiplyAdd(a0, b0, s00);
            s01 = Vector256.FusedMultiplyAdd(a0, b1, s01);
            var a1 = Vector256.Create(left[a.RowStride]);
            s10 = Vector256.FusedMultiplyAdd(a1, b0, s10);
            s11 = Vector256.FusedMultiplyAdd(a1, b1, s11);
            var a2 = Vector256.Create(left[2 * a.RowStride]);
            s20 = Vector256.FusedMultiplyAdd(a2, b0, s20);
            s21 = Vector256.FusedMultiplyAdd(a2, b1, s21);
            var a3 = Vector256.Create(left[3 * a.RowStride]);
            s30 = Vector256.FusedMultiplyAdd(a3, b0, s30);
            s31 = Vector256.FusedMultiplyAdd(a3, b1, s31);
        }

        s00.Store(c0);
        s01.Store(c0 + Half);
        s10.Store(c1);
        s11.Store(c1 + Half);
        s20.Store(c2);
        s21.Store(c2 + Half);
        s30.Store(c3);
        s31.Store(c3 + Half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> BeginHalf(float* at, bool add) => add ? Vector256.Load(at) : Vector256<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Begin(float* at, bool add) => add ? Vector512.Load(at) : Vector512<float>.Zero;
}
