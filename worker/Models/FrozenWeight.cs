using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>A weight of the base model [rows, columns] that never changes: 4-bit codes, or the file's own 16 or 32 bits.</summary>
/// <remarks>Immutable after loading. Owns its memory.</remarks>
internal sealed class FrozenWeight : IDisposable
{
    private readonly QuantizedMatrix? _quantized;
    private readonly torch.Tensor? _dense;

    public FrozenWeight(QuantizedMatrix quantized, long rows, long columns)
    {
        _quantized = quantized;
        (Rows, Columns) = (rows, columns);
    }

    public FrozenWeight(torch.Tensor dense)
    {
        _dense = dense;
        (Rows, Columns) = (dense.shape[0], dense.shape[1]);
    }

    public long Rows { get; }

    public long Columns { get; }

    /// <summary>Bytes that it takes in memory.</summary>
    public long Bytes => _quantized is not null ? _quantized.Bytes : _dense!.numel() * _dense.element_size();

    /// <summary>The weight itself where it already has the compute dtype, else null.</summary>
    public torch.Tensor? Direct(torch.ScalarType dtype) => _dense is not null && _dense.dtype == dtype ? _dense : null;

    /// <summary>Writes the weight's values in the destination's dtype.</summary>
    /// <param name="destination">[rows, columns], contiguous; overwritten.</param>
    public unsafe void WriteTo(torch.Tensor destination)
    {
        if (_dense is not null)
        {
            destination.copy_(_dense);
            return;
        }

        if (destination.device_type == DeviceType.CPU)
        {
            _quantized!.Dequantize(TensorMemory.Pointer(destination), ElementTypes.ToDType(destination.dtype));
            return;
        }

        using var host = torch.empty(destination.shape, destination.dtype);
        _quantized!.Dequantize(TensorMemory.Pointer(host), ElementTypes.ToDType(host.dtype));
        destination.copy_(host);
    }

    public void Dispose()
    {
        _quantized?.Dispose();
        _dense?.Dispose();
    }
}
