using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Kernels;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4), as frames of tensors carry it.</summary>
internal static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;
    private static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of <paramref name="data"/>, or of what <paramref name="before"/> is the checksum of followed by it.</summary>
    public static uint Compute(ReadOnlySpan<byte> data, uint before = 0) =>
        Sse42.X64.IsSupported ? Hardware(data, before) : Reference(data, before);

    /// <summary>The readable reference: one table lookup a byte.</summary>
    public static uint Reference(ReadOnlySpan<byte> data, uint before = 0)
    {
        var crc = ~before;
        foreach (var value in data)
            crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint Hardware(ReadOnlySpan<byte> data, uint before)
    {
        ulong crc = ~before;
        for (; data.Length >= 8; data = data[8..])
            crc = Sse42.X64.Crc32(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (var value in data)
            crc = Sse42.Crc32((uint)crc, value);
        return ~(uint)crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * Polynomial);
            table[i] = crc;
        }

        return table;
    }
}
