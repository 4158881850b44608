using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Kernels;

/// <summary>Widens 16- and 32-bit floats to fp32, which is exact.</summary>
internal static class Widening
{
    public static bool IsSupported(DType type) => type is DType.F32 or DType.Bf16 or DType.F16;

    /// <summary>Bytes of an element of a supported type.</summary>
    public static int ElementSize(DType type) => type switch
    {
        DType.F32 => 4,
        DType.Bf16 or DType.F16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "only F32, BF16 and F16 are widened"),
    };

    /// <summary>Little-endian elements of <paramref name="type"/> as fp32; the lengths must agree.</summary>
    public static void ToSingle(ReadOnlySpan<byte> source, DType type, Span<float> destination)
    {
        if (source.Length != destination.Length * ElementSize(type))
            throw new ArgumentException("source and destination differ in length", nameof(source));
        switch (type)
        {
            case DType.F32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case DType.Bf16:
                FromBrain(MemoryMarshal.Cast<byte, ushort>(source), destination);
                break;
            default:
                var half = MemoryMarshal.Cast<byte, Half>(source);
                for (var i = 0; i < half.Length; i++)
                    destination[i] = (float)half[i];
                break;
        }
    }

    private static void FromBrain(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var i = 0;
        for (; i + 32 <= source.Length; i += 32)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Create(source[i..]));
            (lower << 16).AsSingle().CopyTo(destination[i..]);
            (upper << 16).AsSingle().CopyTo(destination[(i + 16)..]);
        }

        for (; i < source.Length; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}
