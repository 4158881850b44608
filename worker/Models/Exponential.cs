using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Orchestrator.Worker.Models;

/// <summary>The exponential of fp32 values, within two units of the last place.</summary>
/// <remarks>
/// x = n ln 2 + r, and e^r is a polynomial (Cephes' expf), all in fp32: the runtime's own takes fp64 and several times as long. Fused multiply-adds as written, so every processor gives
/// the same bits. What would be smaller than a normal number is 0; from 88.4 on the result may be infinite already.
/// </remarks>
internal static class Exponential
{
    private const float Smallest = -87.33654f;
    private const float Largest = 88.72284f;

    // 1.5 * 2^23: added to a number it leaves the nearest integer in the last bits.
    private const float Rounder = 12_582_912f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x)
    {
        var shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), Vector512.Create(Rounder));
        var n = shifted - Vector512.Create(Rounder);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var sum = Vector512.FusedMultiplyAdd(Vector512.Create(1.9875691500e-4f), r, Vector512.Create(1.3981999507e-3f));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(8.3334519073e-3f));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(4.1665795894e-2f));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(1.6666665459e-1f));
        sum = Vector512.FusedMultiplyAdd(sum, r, Vector512.Create(5.0000001201e-1f));
        sum = Vector512.FusedMultiplyAdd(sum, r * r, r + Vector512<float>.One);
        var power = ((shifted.AsInt32() + Vector512.Create(127)) << 23).AsSingle();
        var result = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(Smallest)), Vector512<float>.Zero, sum * power);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(Largest)), Vector512.Create(float.PositiveInfinity), result);
    }
}
