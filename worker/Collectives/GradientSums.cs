using System.Numerics;

namespace Orchestrator.Worker.Collectives;

/// <summary>Elementwise sums of fp32 gradients in host memory.</summary>
/// <remarks>One exactly rounded addition an element: no bit depends on how a buffer is cut or how wide the vectors are.</remarks>
internal static unsafe class GradientSums
{
    /// <summary>target += addend.</summary>
    public static void Add(float* target, float* addend, long length)
    {
        var wide = length - (length % Vector<float>.Count);
        for (long i = 0; i < wide; i += Vector<float>.Count)
            Vector.Store(Vector.Load(target + i) + Vector.Load(addend + i), target + i);
        for (var i = wide; i < length; i++)
            target[i] += addend[i];
    }
}
