using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>A stage's flat gradient sums in host memory, of fp32 or fp64.</summary>
/// <remarks>Valid while the tensor lives. Different elements may be changed from different threads.</remarks>
internal readonly unsafe struct GradientSums
{
    private readonly void* _start;
    private readonly bool _wide;

    private GradientSums(void* start, bool wide)
    {
        _start = start;
        _wide = wide;
    }

    /// <param name="flat">fp32 or fp64, contiguous, on the CPU.</param>
    public static GradientSums Of(torch.Tensor flat) => flat.dtype is torch.ScalarType.Float32 or torch.ScalarType.Float64
        ? new GradientSums(TensorMemory.Pointer(flat), flat.dtype == torch.ScalarType.Float64)
        : throw new ArgumentException($"The sums are {flat.dtype}, not float32 or float64.", nameof(flat));

    /// <summary>Adds values to every <paramref name="stride"/>th element from <paramref name="first"/> on, each rounded to the sums' dtype first.</summary>
    public void Add(long first, long stride, ReadOnlySpan<double> values)
    {
        if (_wide)
        {
            var at = (double*)_start + first;
            for (var i = 0; i < values.Length; i++)
            {
                at[i * stride] += values[i];
            }

            return;
        }

        var narrow = (float*)_start + first;
        for (var i = 0; i < values.Length; i++)
        {
            narrow[i * stride] += (float)values[i];
        }
    }
}
