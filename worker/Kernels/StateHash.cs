using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Kernels;

/// <summary>A 128-bit multiply-add checksum over 32-bit words: finds silent corruption, is no defence against an adversary.</summary>
/// <remarks>
/// Two sums modulo 2^64 of (word i + 1) times an odd coefficient mixed from i, with different constants. Sums commute, so any
/// cut, vector width or thread count gives the same value; a change of any single word always changes both sums. Of a layer's words i counts from a start that is
/// the layer's own, so the sum over layers is that of one list in which each word has a place of its own, whoever held which layers.
/// </remarks>
internal struct StateHash
{
    /// <summary>Bytes of a hash in messages and files.</summary>
    public const int Bytes = 16;

    private const ulong K0 = 0x9E3779B97F4A7C15;
    private const ulong K1 = 0xD1B54A32D192ED03;
    private const ulong M0 = 0xBF58476D1CE4E5B9;
    private const ulong M1 = 0x94D049BB133111EB;

    // A layer's words have 2^40 places.
    private const int LayerShift = 40;

    private ulong _low;
    private ulong _high;
    private ulong _count;

    /// <summary>The two sums.</summary>
    public readonly (ulong Low, ulong High) Sums => (_low, _high);

    /// <summary>The hash of a decoder layer's state, nothing of it added yet.</summary>
    public static StateHash OfLayer(uint layer) => new() { _count = (ulong)layer << LayerShift };

    /// <summary>The hash of two layers' states, or of two stages'.</summary>
    public static StateHash operator +(StateHash left, StateHash right) => new() { _low = left._low + right._low, _high = left._high + right._high };

    /// <summary>Adds <paramref name="count"/> words after those already added.</summary>
    public unsafe void Append(uint* words, long count)
    {
        Vector512<ulong> low = default, high = default;
        var index = Vector512.Create(_count + 1) + Vector512<ulong>.Indices;
        long i = 0;
        for (; i + 8 <= count; i += 8)
        {
            var (lower, upper) = Vector256.Widen(Vector256.Load(words + i));
            var word = Vector512.Create(lower, upper) + Vector512<ulong>.One;
            low += word * Coefficient(index * K0, M0);
            high += word * Coefficient(index * K1, M1);
            index += Vector512.Create(8UL);
        }

        _low += Vector512.Sum(low);
        _high += Vector512.Sum(high);
        for (; i < count; i++)
        {
            var place = _count + (ulong)i + 1;
            _low += (words[i] + 1UL) * Coefficient(place * K0, M0);
            _high += (words[i] + 1UL) * Coefficient(place * K1, M1);
        }

        _count += (ulong)count;
    }

    /// <summary>16 bytes: the two sums, little-endian.</summary>
    public readonly byte[] ToBytes() => ToBytes(Sums);

    /// <summary>A hash's bytes.</summary>
    public static byte[] ToBytes((ulong Low, ulong High) sums)
    {
        var bytes = new byte[Bytes];
        Write(sums, bytes);
        return bytes;
    }

    /// <summary>Writes a hash's bytes.</summary>
    public static void Write((ulong Low, ulong High) sums, Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, sums.Low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[sizeof(ulong)..], sums.High);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static (ulong Low, ulong High) Read(ReadOnlySpan<byte> bytes) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[sizeof(ulong)..]));

    private static ulong Coefficient(ulong place, ulong multiplier) => ((place ^ (place >> 32)) * multiplier) | 1;

    private static Vector512<ulong> Coefficient(Vector512<ulong> place, ulong multiplier) => ((place ^ (place >>> 32)) * multiplier) | Vector512<ulong>.One;
}
