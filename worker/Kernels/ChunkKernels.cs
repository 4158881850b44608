using System.Numerics;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Kernels;

/// <summary>What the reduction does with a chunk of gradients: add another one, round sums of fp64 to fp32, sum the squares.</summary>
/// <remarks>
/// All are fixed by element index alone: <see cref="Add"/> is one rounded addition an element, <see cref="Narrow"/> one rounding, and <see cref="SumOfSquares"/> runs
/// in 32 lanes of fp64 (lane j takes elements j, j + 32, … in order; then lanes are added in index order). The square of an
/// fp32 is exact in fp64, so a fused multiply-add changes nothing; vector types of any width give the same bits.
/// </remarks>
internal static class ChunkKernels
{
    private const int Lanes = 32;

    /// <summary>accumulator += other, element by element.</summary>
    public static void Add<T>(Span<T> accumulator, ReadOnlySpan<T> other)
        where T : unmanaged, INumber<T>
    {
        if (accumulator.Length != other.Length)
            throw new ArgumentException("the chunks differ in length", nameof(other));
        var i = 0;
        for (; i + Vector512<T>.Count <= accumulator.Length; i += Vector512<T>.Count)
            (Vector512.Create<T>(accumulator[i..]) + Vector512.Create(other[i..])).CopyTo(accumulator[i..]);
        for (; i < accumulator.Length; i++)
            accumulator[i] += other[i];
    }

    /// <summary>Rounds sums to fp32, to nearest even.</summary>
    public static void Narrow(ReadOnlySpan<double> sums, Span<float> result)
    {
        if (sums.Length != result.Length)
            throw new ArgumentException("the chunks differ in length", nameof(result));
        var i = 0;
        for (; i + Vector512<float>.Count <= result.Length; i += Vector512<float>.Count)
            Vector512.Narrow(Vector512.Create(sums[i..]), Vector512.Create(sums[(i + Vector512<double>.Count)..])).CopyTo(result[i..]);
        for (; i < result.Length; i++)
            result[i] = (float)sums[i];
    }

    /// <summary>The fp64 sum of squares; not finite where an element is not.</summary>
    public static double SumOfSquares(ReadOnlySpan<float> chunk)
    {
        Span<double> lanes = stackalloc double[Lanes];
        Vector512<double> s0 = default, s1 = default, s2 = default, s3 = default;
        var i = 0;
        for (; i + Lanes <= chunk.Length; i += Lanes)
        {
            var (x0, x1) = Vector512.Widen(Vector512.Create(chunk[i..]));
            var (x2, x3) = Vector512.Widen(Vector512.Create(chunk[(i + 16)..]));
            s0 += x0 * x0;
            s1 += x1 * x1;
            s2 += x2 * x2;
            s3 += x3 * x3;
        }

        s0.CopyTo(lanes);
        s1.CopyTo(lanes[8..]);
        s2.CopyTo(lanes[16..]);
        s3.CopyTo(lanes[24..]);
        for (var lane = 0; i < chunk.Length; i++, lane++)
            lanes[lane] += (double)chunk[i] * chunk[i];
        var sum = 0.0;
        foreach (var lane in lanes)
            sum += lane;
        return sum;
    }
}
