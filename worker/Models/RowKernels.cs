using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>Norms, activations and sums of one row, from memory through registers to memory.</summary>
/// <remarks>
/// Pure. fp32 inside; products and sums are fused or not as written, sums have the sixteen lanes of <see cref="RowMath"/>: a row's bits depend on its own elements alone. Addresses are of a
/// row's first element.
/// </remarks>
internal static unsafe class RowKernels
{
    private const int Lanes = 16;

    /// <summary>y = x / rms(x), rounded to the element, times the weight.</summary>
    public static void Norm<T>(byte* x, byte* weight, byte* y, int width, float epsilon)
        where T : struct, IRowElement
    {
        var factor = Vector512.Create(InverseRootMeanSquare<T>(x, width, epsilon));
        for (var i = 0; i < width; i += Lanes)
        {
            T.Store(T.Round(T.Load(x, i, width) * factor) * T.Load(weight, i, width), y, i, width);
        }
    }

    /// <summary>dx = (dy w - n mean(n dy w)) / rms(x), n = x / rms(x).</summary>
    public static void NormBackward<T>(byte* x, byte* weight, byte* dy, byte* dx, int width, float epsilon)
        where T : struct, IRowElement
    {
        var inverse = InverseRootMeanSquare<T>(x, width, epsilon);
        var factor = Vector512.Create(inverse);
        var products = Vector512<float>.Zero;
        for (var i = 0; i < width; i += Lanes)
        {
            products = Vector512.FusedMultiplyAdd(T.Load(dy, i, width) * T.Load(weight, i, width), T.Load(x, i, width) * factor, products);
        }

        var projection = Vector512.Create(RowMath.Sum(products) / width);
        for (var i = 0; i < width; i += Lanes)
        {
            var (scaled, normalised) = (T.Load(dy, i, width) * T.Load(weight, i, width), T.Load(x, i, width) * factor);
            T.Store((scaled - (normalised * projection)) * factor, dx, i, width);
        }
    }

    /// <summary>y = silu(gate) * up; gate and up are the halves of a row of twice the width.</summary>
    public static void SwiGlu<T>(byte* gate, byte* up, byte* y, int width)
        where T : struct, IRowElement
    {
        for (var i = 0; i < width; i += Lanes)
        {
            var g = T.Load(gate, i, width);
            T.Store(g * RowMath.Sigmoid(g) * T.Load(up, i, width), y, i, width);
        }
    }

    /// <summary>The gradients of gate and up for the gradient of silu(gate) * up.</summary>
    public static void SwiGluBackward<T>(byte* gate, byte* up, byte* dy, byte* dGate, byte* dUp, int width)
        where T : struct, IRowElement
    {
        for (var i = 0; i < width; i += Lanes)
        {
            var (g, u, d) = (T.Load(gate, i, width), T.Load(up, i, width), T.Load(dy, i, width));
            var sigmoid = RowMath.Sigmoid(g);
            var silu = g * sigmoid;
            T.Store(d * u * (sigmoid + (silu * (Vector512<float>.One - sigmoid))), dGate, i, width);
            T.Store(d * silu, dUp, i, width);
        }
    }

    /// <summary>sum += term.</summary>
    public static void Add<T>(byte* sum, byte* term, int width)
        where T : struct, IRowElement
    {
        for (var i = 0; i < width; i += Lanes)
        {
            T.Store(T.Load(sum, i, width) + T.Load(term, i, width), sum, i, width);
        }
    }

    private static float InverseRootMeanSquare<T>(byte* x, int width, float epsilon)
        where T : struct, IRowElement
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < width; i += Lanes)
        {
            var values = T.Load(x, i, width);
            squares = Vector512.FusedMultiplyAdd(values, values, squares);
        }

        return 1f / MathF.Sqrt((RowMath.Sum(squares) / width) + epsilon);
    }
}
