using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Kernels;

/// <summary>Tensor operations that hand libtorch a plain number, sums among them: theirs is the factor 1.</summary>
/// <remarks>
/// TorchSharp passes a number as an object of native memory with a finalizer, and nothing holds one made in passing during the call: a collection
/// at that moment frees it while libtorch reads it ("Expected false to be true" where it asks for the number's kind). Here a number lives until its
/// call returns; BannedSymbols.txt keeps the other ways out of this project. Results belong to the caller's scope.
/// </remarks>
internal static class TensorNumbers
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>A new tensor.</summary>
    public static Tensor Plus(this Tensor left, Tensor right) => left.add(right, One);

    /// <summary>In place; returns <paramref name="sum"/>.</summary>
    public static Tensor Add(this Tensor sum, Tensor term) => sum.add_(term, One);

    /// <summary>A new tensor.</summary>
    public static Tensor Plus(this Tensor values, double number)
    {
        using var scalar = number.ToScalar();
        return values.add(scalar, One);
    }

    /// <summary>In place; returns <paramref name="sum"/>.</summary>
    public static Tensor Add(this Tensor sum, double number)
    {
        using var scalar = number.ToScalar();
        return sum.add_(scalar, One);
    }

    /// <summary>A new tensor.</summary>
    public static Tensor Times(this Tensor values, double factor)
    {
        using var scalar = factor.ToScalar();
        return values.mul(scalar);
    }

    /// <summary>In place; returns <paramref name="values"/>.</summary>
    public static Tensor Scale(this Tensor values, double factor)
    {
        using var scalar = factor.ToScalar();
        return values.mul_(scalar);
    }

    /// <summary>A new tensor: <paramref name="number"/> where <paramref name="mask"/> holds.</summary>
    public static Tensor Masked(this Tensor values, Tensor mask, double number)
    {
        using var scalar = number.ToScalar();
        return values.masked_fill(mask, scalar);
    }

    /// <summary>int64 from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    public static Tensor Range(long first, long end, Device device)
    {
        using var start = first.ToScalar();
        using var stop = end.ToScalar();
        return arange(start, stop, One, ScalarType.Int64, device);
    }
}
