using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>The arithmetic of one row in fp32: sums have sixteen fixed lanes that are joined in a fixed order.</summary>
/// <remarks>
/// Pure. Products and sums are fused or not as written, so a row's bits depend on its length, not on threads or addresses.
/// A row's last, short vector is computed in a padded copy, so every element goes through the same code.
/// </remarks>
internal static class RowMath
{
    private const int Lanes = 16;

    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < a.Length; i += Lanes)
        {
            sum = Vector512.FusedMultiplyAdd(Load(a, i), Load(b, i), sum);
        }

        return Sum(sum);
    }

    /// <summary>x *= factor.</summary>
    public static void Scale(Span<float> x, float factor)
    {
        for (var i = 0; i < x.Length; i += Lanes)
        {
            Store(Load(x, i) * factor, x, i);
        }
    }

    /// <summary>y += x * factor, the product and the sum rounded.</summary>
    public static void AddScaled(Span<float> y, ReadOnlySpan<float> x, float factor)
    {
        for (var i = 0; i < y.Length; i += Lanes)
        {
            Store(Load(y, i) + (Load(x, i) * factor), y, i);
        }
    }

    /// <summary>sums += x in fp64, each sum rounded once.</summary>
    /// <param name="sums">As many as there are values, a multiple of 16.</param>
    /// <param name="x">The values.</param>
    public static void AddWidened(Span<double> sums, ReadOnlySpan<float> x)
    {
        for (var i = 0; i < x.Length; i += Lanes)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Create(x[i..]));
            (Vector512.Create<double>(sums[i..]) + lower).CopyTo(sums[i..]);
            (Vector512.Create<double>(sums[(i + (Lanes / 2))..]) + upper).CopyTo(sums[(i + (Lanes / 2))..]);
        }
    }

    /// <summary>Rotate-half of a head: (a cos - b sin, b cos + a sin), or its transpose.</summary>
    /// <param name="head">[head_dim], changed in place.</param>
    /// <param name="angles">head_dim / 2 cosines, then the sines.</param>
    /// <param name="forward">False: the transpose.</param>
    public static void Rotate(Span<float> head, ReadOnlySpan<float> angles, bool forward)
    {
        var half = head.Length / 2;
        var first = head[..half];
        var second = head[half..];
        for (var i = 0; i < half; i += Lanes)
        {
            var (a, b, cos, sin) = (Load(first, i), Load(second, i), Load(angles[..half], i), Load(angles[half..], i));
            sin = forward ? sin : -sin;
            Store((a * cos) - (b * sin), first, i);
            Store((b * cos) + (a * sin), second, i);
        }
    }

    /// <summary>x = softmax(x * scale).</summary>
    public static void Softmax(Span<float> x, float scale)
    {
        var shift = Max(x) * scale;
        Scale(x, 1f / ExponentialsOf(x, scale, shift));
    }

    /// <summary>dp becomes the gradient of the unscaled scores: p * (dp - sum(p * dp)) * scale.</summary>
    public static void SoftmaxBackward(ReadOnlySpan<float> p, Span<float> dp, float scale)
    {
        var mean = Dot(p, dp);
        for (var i = 0; i < p.Length; i += Lanes)
        {
            Store(Load(p, i) * (Load(dp, i) - Vector512.Create(mean)) * scale, dp, i);
        }
    }

    /// <summary>Log-probability of a label; with a scale the logits become (softmax - one-hot) * scale, else they are left undefined.</summary>
    public static float LogProbability(Span<float> logits, int label, float? gradientScale)
    {
        var own = logits[label];
        var largest = Max(logits);
        var sum = ExponentialsOf(logits, 1f, largest);
        if (gradientScale is { } scale)
        {
            Scale(logits, scale / sum);
            logits[label] -= scale;
        }

        // In fp64, for the C library's fp32 logarithm differs by version and processor.
        return own - largest - (float)Math.Log(sum);
    }

    /// <summary>The lanes' sum: halves are added until one is left.</summary>
    public static float Sum(Vector512<float> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return four[0] + four[2] + (four[1] + four[3]);
    }

    /// <summary>The largest; a NaN may be passed over, for the sums that follow have it anyway.</summary>
    private static float Max(ReadOnlySpan<float> x)
    {
        var largest = Vector512.Create(float.NegativeInfinity);
        var i = 0;
        for (; i <= x.Length - Lanes; i += Lanes)
        {
            largest = Vector512.MaxNative(largest, Load(x, i));
        }

        var eight = Vector256.MaxNative(largest.GetLower(), largest.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        var result = MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
        for (; i < x.Length; i++)
        {
            result = MathF.Max(result, x[i]);
        }

        return result;
    }

    /// <summary>x = exp(x * scale - shift); gives the sum.</summary>
    private static float ExponentialsOf(Span<float> x, float scale, float shift)
    {
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i <= x.Length - Lanes; i += Lanes)
        {
            var value = Exponential.Of((Load(x, i) * scale) - Vector512.Create(shift));
            sum += value;
            Store(value, x, i);
        }

        if (i < x.Length)
        {
            // The padding would count as exp(-shift).
            Store(Exponential.Of((Load(x, i) * scale) - Vector512.Create(shift)), x, i);
            sum += Load(x, i);
        }

        return Sum(sum);
    }

    /// <summary>1 / (1 + exp(-x)).</summary>
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Exponential.Of(-x));

    /// <summary>Sixteen elements; those past the end are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load(ReadOnlySpan<float> x, int i)
        => i <= x.Length - Lanes ? Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(x), (nuint)i) : LoadLast(x[i..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> values, Span<float> x, int i)
    {
        if (i <= x.Length - Lanes)
        {
            values.StoreUnsafe(ref MemoryMarshal.GetReference(x), (nuint)i);
        }
        else
        {
            StoreLast(values, x[i..]);
        }
    }

    private static Vector512<float> LoadLast(ReadOnlySpan<float> rest)
    {
        Span<float> padded = stackalloc float[Lanes];
        padded.Clear();
        rest.CopyTo(padded);
        return Vector512.Create<float>(padded);
    }

    private static void StoreLast(Vector512<float> values, Span<float> rest)
    {
        Span<float> padded = stackalloc float[Lanes];
        values.CopyTo(padded);
        padded[..rest.Length].CopyTo(rest);
    }
}
