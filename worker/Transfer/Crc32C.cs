using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Transfer;

/// <summary>CRC-32C (Castagnoli) of a frame's payload, by the processor's own instruction where it has one.</summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> bytes) => ~Continue(~0u, bytes);

    /// <summary>Of bytes that lie in parts.</summary>
    public static uint Of(in ReadOnlySequence<byte> bytes)
    {
        var crc = ~0u;
        foreach (var part in bytes)
            crc = Continue(crc, part.Span);
        return ~crc;
    }

    private static uint Continue(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
            crc = BitOperations.Crc32C(crc, word);
        foreach (var value in bytes[(bytes.Length & ~7)..])
            crc = BitOperations.Crc32C(crc, value);
        return crc;
    }
}
