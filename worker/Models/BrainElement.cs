using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BrainElement : IRowElement
{
    private const int Lanes = 16;

    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* row, int i, int width)
        => i <= width - Lanes ? Widen(Vector256.Load((ushort*)row + i)) : LoadLast((ushort*)row + i, width - i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, byte* row, int i, int width)
    {
        var narrow = BrainFloats.Narrow(Vector512.ShiftRightLogical(BrainFloats.Rounded(values.AsUInt32()), 16));
        if (i <= width - Lanes)
        {
            narrow.Store((ushort*)row + i);
        }
        else
        {
            StoreLast(narrow, (ushort*)row + i, width - i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values) => (BrainFloats.Rounded(values.AsUInt32()) & Vector512.Create(0xffff0000u)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector256<ushort> words) => Vector512.ShiftLeft(Vector512.WidenLower(words.ToVector512Unsafe()), 16).AsSingle();

    private static Vector512<float> LoadLast(ushort* rest, int count)
    {
        var padded = stackalloc ushort[Lanes];
        new Span<ushort>(padded, Lanes).Clear();
        new ReadOnlySpan<ushort>(rest, count).CopyTo(new Span<ushort>(padded, Lanes));
        return Widen(Vector256.Load(padded));
    }

    private static void StoreLast(Vector256<ushort> words, ushort* rest, int count)
    {
        var padded = stackalloc ushort[Lanes];
        words.Store(padded);
        new ReadOnlySpan<ushort>(padded, count).CopyTo(new Span<ushort>(rest, count));
    }
}
