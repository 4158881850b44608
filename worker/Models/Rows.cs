using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Rows of a contiguous fp32 or bf16 CPU tensor, read and written as fp32.</summary>
/// <remarks>Valid while the tensor lives. Different rows may be used from different threads.</remarks>
internal readonly unsafe struct Rows
{
    private readonly byte* _start;
    private readonly int _width;
    private readonly bool _brain;

    private Rows(byte* start, int width, bool brain)
    {
        _start = start;
        _width = width;
        _brain = brain;
    }

    /// <summary>The tensor's elements cut into rows of <paramref name="width"/>.</summary>
    public static Rows Of(torch.Tensor tensor, int width)
    {
        var brain = tensor.dtype == torch.ScalarType.BFloat16;
        return brain || tensor.dtype == torch.ScalarType.Float32
            ? new Rows(TensorMemory.Pointer(tensor), width, brain)
            : throw new ArgumentException($"The tensor is {tensor.dtype}, not float32 or bfloat16.", nameof(tensor));
    }

    /// <summary>Whether the elements are fp32, so that a product may read and write them where they are.</summary>
    public bool AreWide => !_brain;

    /// <summary>The tensor itself from a row and a column on, where <see cref="AreWide"/>.</summary>
    public Block From(long row, int column) => new((nint)((float*)_start + (row * _width) + column), _width);

    /// <summary>Reads part of a row, widened.</summary>
    public void Load(long row, Span<float> values, int column = 0)
    {
        var at = (row * _width) + column;
        if (_brain)
        {
            BrainFloats.Widen(new ReadOnlySpan<ushort>((ushort*)_start + at, values.Length), values);
        }
        else
        {
            new ReadOnlySpan<float>((float*)_start + at, values.Length).CopyTo(values);
        }
    }

    /// <summary>Writes part of a row, rounded to nearest even.</summary>
    public void Store(long row, ReadOnlySpan<float> values, int column = 0)
    {
        var at = (row * _width) + column;
        if (_brain)
        {
            BrainFloats.Round(values, new Span<ushort>((ushort*)_start + at, values.Length));
        }
        else
        {
            values.CopyTo(new Span<float>((float*)_start + at, values.Length));
        }
    }
}
