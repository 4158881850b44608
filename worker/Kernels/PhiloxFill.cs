using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Kernels;

/// <summary>Fills buffers with a stream's random words, eight blocks at a time, equal in every bit to <see cref="Philox"/>.</summary>
/// <remarks>Integer arithmetic only: every instruction path gives the same words, so one vector form serves all.</remarks>
internal static class PhiloxFill
{
    private const int BlocksAtOnce = 8;

    /// <summary>Words <paramref name="first"/>, first + 1, … of a stream.</summary>
    public static void Words(in RandomStream stream, ulong first, Span<uint> words)
    {
        while (!words.IsEmpty && (first & 3) != 0)
        {
            words[0] = Philox.Word(stream, first++);
            words = words[1..];
        }

        var block = checked((uint)(first >> 2));
        if (!words.IsEmpty)
            _ = checked(block + (uint)((words.Length - 1) >> 2));
        while (words.Length >= 4 * BlocksAtOnce)
        {
            EightBlocks(stream, block, words);
            block += BlocksAtOnce;
            words = words[(4 * BlocksAtOnce)..];
        }

        for (var i = 0; i < words.Length; i++)
            words[i] = Philox.Word(stream, ((ulong)block << 2) + (ulong)i);
    }

    // Lane j holds block + j; each of the four words of a block is kept as two vectors of 64-bit lanes with the word below.
    private static void EightBlocks(in RandomStream stream, uint block, Span<uint> words)
    {
        var (u1, u2, u3) = stream.Counter();
        var low = Vector512.Create(0xffffffffUL);
        var c0 = Vector512.Create((ulong)block) + Vector512<ulong>.Indices;
        c0 &= low;
        Vector512<ulong> c1 = Vector512.Create((ulong)u1), c2 = Vector512.Create((ulong)u2), c3 = Vector512.Create((ulong)u3);
        uint k0 = (uint)stream.Seed, k1 = (uint)(stream.Seed >> 32);
        for (var round = 0; round < 10; round++)
        {
            var p0 = c0 * Vector512.Create((ulong)Philox.M0);
            var p1 = c2 * Vector512.Create((ulong)Philox.M1);
            c0 = (p1 >> 32) ^ c1 ^ Vector512.Create((ulong)k0);
            c2 = (p0 >> 32) ^ c3 ^ Vector512.Create((ulong)k1);
            c1 = p1 & low;
            c3 = p0 & low;
            k0 += Philox.W0;
            k1 += Philox.W1;
        }

        var even = c0 | (c1 << 32);
        var odd = c2 | (c3 << 32);
        for (var j = 0; j < BlocksAtOnce; j++)
        {
            words[4 * j] = (uint)even[j];
            words[(4 * j) + 1] = (uint)(even[j] >> 32);
            words[(4 * j) + 2] = (uint)odd[j];
            words[(4 * j) + 3] = (uint)(odd[j] >> 32);
        }
    }
}
