using TorchSharp;

namespace Orchestrator.Worker.Quantization;

/// <summary>A frozen 4-bit weight where a model can multiply by it: one contract, a backend for host memory and one for a device.</summary>
/// <remarks>Used on the compute thread. Every backend gives the same bits.</remarks>
internal abstract class QuantizedWeight : IDisposable
{
    /// <summary>Shape of the weight, [out, in].</summary>
    public abstract IReadOnlyList<long> Shape { get; }

    /// <summary>Bytes that it occupies on its device.</summary>
    public abstract long ResidentBytes { get; }

    /// <summary>Writes the weight into a contiguous tensor of its shape on its device; F32, BF16 or F16.</summary>
    public abstract void DequantizeInto(torch.Tensor destination);

    /// <summary>Puts a quantized matrix where a device can use it; takes the matrix over.</summary>
    public static QuantizedWeight Create(QuantizedMatrix matrix, torch.Device device) =>
        device.type == DeviceType.CPU ? new HostQuantizedWeight(matrix) : new DeviceQuantizedWeight(matrix, device);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
