using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Kernels;

/// <summary>16 values at a time: a binary search over the 15 thresholds, one table permutation a level.</summary>
internal static unsafe class FourBitQuantizationAvx512
{
    public static float FullBlock(float* x, int length, CodeBook book, byte* codes)
    {
        var absmax = Absmax(x, length);
        var inverse = Vector512.Create(1f / MathF.Max(absmax, FourBitQuantization.Tiny));
        Vector512<float> one = Vector512<float>.One, minusOne = -one;
        var middle = Vector512.Create(book.Thresholds[7]);
        Vector512<float> thresholds;
        Vector512<byte> order;
        fixed (float* t = book.Thresholds)
            thresholds = Vector512.Create(Vector256.Load(t), Vector256.Create(Vector128.Load(t + 8), Vector128.Create(t[12], t[13], t[14], 0f)));
        fixed (byte* o = book.Order)
        {
            var once = Vector128.Load(o);
            order = Vector512.Create(Vector256.Create(once, once), Vector256.Create(once, once));
        }

        for (var i = 0; i < length; i += 16)
        {
            // The values are finite here or the result is thrown away, so the order of operands of min and max does not matter.
            var value = Avx512F.Min(Avx512F.Max(Vector512.Load(x + i) * inverse, minusOne), one);
            var rank = Vector512.GreaterThan(value, middle).AsInt32() & Vector512.Create(8);
            rank = Descend(rank, value, thresholds, 4);
            rank = Descend(rank, value, thresholds, 2);
            rank = Descend(rank, value, thresholds, 1);
            var pairs = (Avx512BW.Shuffle(order, rank.AsByte()).AsUInt32() & Vector512.Create(0xffu)).AsUInt64();
            var packed = (pairs << 4) | (pairs >>> 32);
            Avx512F.ConvertToVector128Byte(packed).GetLower().Store(codes + (i / 2));
        }

        return absmax;
    }

    // rank thresholds are below the value for certain; the one at rank + step - 1 says whether step more are.
    private static Vector512<int> Descend(Vector512<int> rank, Vector512<float> value, Vector512<float> thresholds, int step)
    {
        var threshold = Avx512F.PermuteVar16x32(thresholds, rank + Vector512.Create(step - 1));
        return rank + (Vector512.GreaterThan(value, threshold).AsInt32() & Vector512.Create(step));
    }

    // The bits of a finite |x| order as integers do, and those of infinities and NaNs lie above them all.
    private static float Absmax(float* x, int length)
    {
        var absmax = Vector512<int>.Zero;
        for (var i = 0; i < length; i += 16)
            absmax = Avx512F.Max(absmax, Vector512.Load((int*)x + i) & Vector512.Create(0x7fffffff));
        var half = Avx2.Max(absmax.GetLower(), absmax.GetUpper());
        var bits = 0;
        for (var lane = 0; lane < 8; lane++)
            bits = Math.Max(bits, half[lane]);
        return BitConverter.Int32BitsToSingle(bits);
    }
}
