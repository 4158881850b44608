using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Models;

/// <summary>Conversion between bfloat16 and fp32: exact up, nearest even down; a NaN stays a NaN.</summary>
/// <remarks>Integer arithmetic, so every instruction path gives the same bits.</remarks>
internal static class BrainFloats
{
    private const int Lanes = 16;

    public static void Widen(ReadOnlySpan<ushort> source, Span<float> target)
    {
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var to = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(target));
        var i = 0;
        for (; i <= source.Length - Lanes; i += Lanes)
        {
            var wide = Vector512.WidenLower(Vector256.LoadUnsafe(ref from, (nuint)i).ToVector512Unsafe());
            Vector512.ShiftLeft(wide, 16).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < source.Length; i++)
        {
            target[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        }
    }

    public static void Round(ReadOnlySpan<float> source, Span<ushort> target)
    {
        ref var from = ref Unsafe.As<float, uint>(ref MemoryMarshal.GetReference(source));
        ref var to = ref MemoryMarshal.GetReference(target);
        var i = 0;
        for (; i <= source.Length - Lanes; i += Lanes)
        {
            var rounded = Vector512.ShiftRightLogical(Rounded(Vector512.LoadUnsafe(ref from, (nuint)i)), 16);
            Narrow(rounded).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < source.Length; i++)
        {
            target[i] = (ushort)(Rounded(BitConverter.SingleToUInt32Bits(source[i])) >> 16);
        }
    }

    /// <summary>The lower halves of sixteen words.</summary>
    public static Vector256<ushort> Narrow(Vector512<uint> words) => Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(words) : Vector512.Narrow(words, words).GetLower();

    /// <summary>Bits of fp32 values, of which the upper half is the rounded value.</summary>
    public static Vector512<uint> Rounded(Vector512<uint> bits)
    {
        var odd = Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One;
        var nan = Vector512.GreaterThan(bits & Vector512.Create(0x7fffffffu), Vector512.Create(0x7f800000u));
        return Vector512.ConditionalSelect(nan, bits | Vector512.Create(0x00400000u), bits + Vector512.Create(0x7fffu) + odd);
    }

    private static uint Rounded(uint bits) => (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x00400000u : bits + 0x7fffu + ((bits >> 16) & 1);
}
