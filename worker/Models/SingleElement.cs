using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>fp32.</summary>
internal readonly unsafe struct SingleElement : IRowElement
{
    private const int Lanes = 16;

    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* row, int i, int width)
        => i <= width - Lanes ? Vector512.Load((float*)row + i) : LoadLast((float*)row + i, width - i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> values, byte* row, int i, int width)
    {
        if (i <= width - Lanes)
        {
            values.Store((float*)row + i);
        }
        else
        {
            StoreLast(values, (float*)row + i, width - i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values) => values;

    private static Vector512<float> LoadLast(float* rest, int count)
    {
        var padded = stackalloc float[Lanes];
        new Span<float>(padded, Lanes).Clear();
        new ReadOnlySpan<float>(rest, count).CopyTo(new Span<float>(padded, Lanes));
        return Vector512.Load(padded);
    }

    private static void StoreLast(Vector512<float> values, float* rest, int count)
    {
        var padded = stackalloc float[Lanes];
        values.Store(padded);
        new ReadOnlySpan<float>(padded, count).CopyTo(new Span<float>(rest, count));
    }
}
