using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Kernels;

/// <summary>Eight values at a time: a binary search over the 15 thresholds, a table of at most eight entries a level.</summary>
internal static unsafe class FourBitQuantizationAvx2
{
    public static float FullBlock(float* x, int length, CodeBook book, byte* codes)
    {
        var absmax = Absmax(x, length);
        var inverse = Vector256.Create(1f / MathF.Max(absmax, FourBitQuantization.Tiny));
        Vector256<float> one = Vector256<float>.One, minusOne = -one;
        var t = book.Thresholds;
        var level1 = Vector256.Create(t[7]);
        var level2 = Vector256.Create(t[3], t[11], 0, 0, 0, 0, 0, 0);
        var level3 = Vector256.Create(t[1], t[5], t[9], t[13], 0, 0, 0, 0);
        var level4 = Vector256.Create(t[0], t[2], t[4], t[6], t[8], t[10], t[12], t[14]);
        Vector256<byte> order;
        fixed (byte* o = book.Order)
            order = Avx2.BroadcastVector128ToVector256(o);
        var places = Vector256.Create(0UL, 8, 16, 24);
        for (var i = 0; i < length; i += 8)
        {
            // The values are finite here or the result is thrown away, so the order of operands of min and max does not matter.
            var value = Avx.Min(Avx.Max(Vector256.Load(x + i) * inverse, minusOne), one);
            var rank = Vector256<int>.Zero - Vector256.GreaterThan(value, level1).AsInt32();
            rank = Descend(rank, value, level2);
            rank = Descend(rank, value, level3);
            rank = Descend(rank, value, level4);
            var pairs = (Avx2.Shuffle(order, rank.AsByte()).AsUInt32() & Vector256.Create(0xffu)).AsUInt64();
            var packed = Avx2.ShiftLeftLogicalVariable(((pairs << 4) | (pairs >>> 32)) & Vector256.Create(0xffUL), places);
            var both = packed.GetLower() | packed.GetUpper();
            *(uint*)(codes + (i / 2)) = (uint)(both[0] | both[1]);
        }

        return absmax;
    }

    // A level doubles the rank so far and adds 1 where the value lies above that node's threshold.
    private static Vector256<int> Descend(Vector256<int> rank, Vector256<float> value, Vector256<float> level) =>
        rank + rank - Vector256.GreaterThan(value, Avx2.PermuteVar8x32(level, rank)).AsInt32();

    // The bits of a finite |x| order as integers do, and those of infinities and NaNs lie above them all.
    private static float Absmax(float* x, int length)
    {
        var absmax = Vector256<int>.Zero;
        for (var i = 0; i < length; i += 8)
            absmax = Avx2.Max(absmax, Vector256.Load((int*)x + i) & Vector256.Create(0x7fffffff));
        var bits = 0;
        for (var lane = 0; lane < 8; lane++)
            bits = Math.Max(bits, absmax[lane]);
        return BitConverter.Int32BitsToSingle(bits);
    }
}
