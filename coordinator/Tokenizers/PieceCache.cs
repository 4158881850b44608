using System.Buffers.Binary;
using System.Numerics;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Remembers the tokens of short pieces: most words of a text come again.</summary>
/// <remarks>
/// Bounded: a slot for each hash, the newest piece wins it. Threads share it without a lock, since an entry is immutable and a slot is written at once;
/// a lost write costs the work again and changes no result.
/// </remarks>
internal sealed class PieceCache
{
    /// <summary>Longest piece that is remembered.</summary>
    public const int MaxBytes = 64;

    private const int SlotBits = 15;

    private readonly Entry?[] _slots = new Entry?[1 << SlotBits];

    /// <summary>The tokens of a piece as pairs of id and length in bytes, or null.</summary>
    public int[]? Find(ReadOnlySpan<byte> piece)
    {
        var entry = Volatile.Read(ref _slots[Slot(piece)]);
        return entry is not null && piece.SequenceEqual(entry.Piece) ? entry.Tokens : null;
    }

    public void Add(ReadOnlySpan<byte> piece, ReadOnlySpan<int> tokens) => Volatile.Write(ref _slots[Slot(piece)], new Entry(piece.ToArray(), tokens.ToArray()));

    private static int Slot(ReadOnlySpan<byte> piece)
    {
        ulong hash = (ulong)piece.Length;
        while (piece.Length >= 8)
        {
            hash = BitOperations.RotateLeft((hash ^ BinaryPrimitives.ReadUInt64LittleEndian(piece)) * 0x9E3779B97F4A7C15, 29);
            piece = piece[8..];
        }

        foreach (byte b in piece)
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return (int)((hash * 0x9E3779B97F4A7C15) >> (64 - SlotBits));
    }

    private sealed record Entry(byte[] Piece, int[] Tokens);
}
