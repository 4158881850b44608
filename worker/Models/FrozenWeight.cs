using Orchestrator.Worker.Quantization;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>A weight of the base model [rows, columns] that never changes: 4-bit codes, or the file's own 16 or 32 bits.</summary>
/// <remarks>Immutable after loading. Owns its memory.</remarks>
internal sealed class FrozenWeight : IDisposable
{
    private readonly QuantizedWeight? _quantized;
    private readonly torch.Tensor? _dense;

    public FrozenWeight(QuantizedWeight quantized)
    {
        _quantized = quantized;
        (Rows, Columns) = (quantized.Shape[0], quantized.Shape[1]);
    }

    public FrozenWeight(torch.Tensor dense)
    {
        _dense = dense;
        (Rows, Columns) = (dense.shape[0], dense.shape[1]);
    }

    public long Rows { get; }

    public long Columns { get; }

    /// <summary>Bytes that it takes in memory.</summary>
    public long Bytes => _quantized is not null ? _quantized.ResidentBytes : _dense!.numel() * _dense.element_size();

    /// <summary>The weight itself where it already has the compute dtype, else null.</summary>
    public torch.Tensor? Direct(torch.ScalarType dtype) => _dense is not null && _dense.dtype == dtype ? _dense : null;

    /// <summary>Writes the weight's values in the destination's dtype.</summary>
    /// <param name="destination">[rows, columns], contiguous; overwritten.</param>
    public void WriteTo(torch.Tensor destination)
    {
        if (_quantized is not null)
        {
            _quantized.DequantizeInto(destination);
        }
        else
        {
            destination.copy_(_dense!);
        }
    }

    public void Dispose()
    {
        _quantized?.Dispose();
        _dense?.Dispose();
    }
}
