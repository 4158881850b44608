using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Kernels;

/// <summary>Looks elements up by byte shuffles of the table's low and high bytes (words), or by two permutations and a blend (singles).</summary>
internal static unsafe class FourBitDequantizationAvx2
{
    /// <returns>Elements written; the rest is the caller's.</returns>
    [System.Runtime.CompilerServices.SkipLocalsInit]
    public static int Words(byte* codes, int length, ushort* table, ushort* destination)
    {
        var low = stackalloc byte[16];
        var high = stackalloc byte[16];
        for (var code = 0; code < 16; code++)
            (low[code], high[code]) = ((byte)table[code], (byte)(table[code] >> 8));
        Vector128<byte> lowBytes = Vector128.Load(low), highBytes = Vector128.Load(high), nibble = Vector128.Create((byte)15);
        var i = 0;
        for (; i + 32 <= length; i += 32)
        {
            var packed = Vector128.Load(codes + (i / 2));
            var even = (packed.AsUInt16() >>> 4).AsByte() & nibble;
            var odd = packed & nibble;
            Look(Sse2.UnpackLow(even, odd), lowBytes, highBytes, destination + i);
            Look(Sse2.UnpackHigh(even, odd), lowBytes, highBytes, destination + i + 16);
        }

        return i;
    }

    /// <returns>Elements written; the rest is the caller's.</returns>
    public static int Singles(byte* codes, int length, float* table, float* destination)
    {
        Vector256<float> lower = Vector256.Load(table), upper = Vector256.Load(table + 8);
        var i = 0;
        for (; i + 8 <= length; i += 8)
        {
            var pairs = Avx2.ConvertToVector256Int64(Vector128.CreateScalarUnsafe(*(uint*)(codes + (i / 2))).AsByte());
            var indices = ((pairs >>> 4) | (pairs << 32)).AsInt32();
            // Bit 3 moved to the sign chooses between the table's halves.
            var values = Avx.BlendVariable(Avx2.PermuteVar8x32(lower, indices), Avx2.PermuteVar8x32(upper, indices), (indices << 28).AsSingle());
            values.Store(destination + i);
        }

        return i;
    }

    private static void Look(Vector128<byte> indices, Vector128<byte> lowBytes, Vector128<byte> highBytes, ushort* destination)
    {
        var low = Ssse3.Shuffle(lowBytes, indices);
        var high = Ssse3.Shuffle(highBytes, indices);
        Sse2.UnpackLow(low, high).Store((byte*)destination);
        Sse2.UnpackHigh(low, high).Store((byte*)destination + 16);
    }
}
