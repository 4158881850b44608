using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Kernels;

/// <summary>Moves elements by one permutation of the block's table a vector: 32 words or 16 singles.</summary>
/// <remarks>
/// A byte is widened to the room of its two elements; high nibble shifted down, the byte itself shifted up. The permutation looks
/// at the low bits of an index alone, and the word table stands there twice, so the byte's high nibble need not be masked away.
/// </remarks>
internal static unsafe class FourBitDequantizationAvx512
{
    /// <returns>Elements written; the rest is the caller's.</returns>
    public static int Words(byte* codes, int length, ushort* table, ushort* destination)
    {
        var values = Vector512.Create(Vector256.Load(table), Vector256.Load(table));
        var i = 0;
        for (; i + 32 <= length; i += 32)
        {
            var pairs = Avx512F.ConvertToVector512UInt32(Vector128.Load(codes + (i / 2)));
            var indices = (pairs >>> 4) | (pairs << 16);
            Avx512BW.PermuteVar32x16(values, indices.AsUInt16()).Store(destination + i);
        }

        return i;
    }

    /// <returns>Elements written; the rest is the caller's.</returns>
    public static int Singles(byte* codes, int length, float* table, float* destination)
    {
        var values = Vector512.Load(table);
        var i = 0;
        for (; i + 16 <= length; i += 16)
        {
            var pairs = Avx512F.ConvertToVector512UInt64(Vector128.CreateScalarUnsafe(*(ulong*)(codes + (i / 2))).AsByte());
            var indices = (pairs >>> 4) | (pairs << 32);
            Avx512F.PermuteVar16x32(values, indices.AsInt32()).Store(destination + i);
        }

        return i;
    }
}
