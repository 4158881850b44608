using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>The one buffer of a stage into which weights are dequantized, product by product.</summary>
/// <remarks>As large as the stage's largest weight that is not already in the compute dtype. A view is valid until the next is taken. Compute thread only.</remarks>
internal sealed class WeightBuffer : IDisposable
{
    private readonly torch.Device _device;
    private readonly torch.ScalarType _dtype;
    private torch.Tensor? _storage;

    public WeightBuffer(torch.Device device, torch.ScalarType dtype)
    {
        _device = device;
        _dtype = dtype;
    }

    /// <summary>Bytes that the buffer takes.</summary>
    public long Bytes => _storage is null ? 0 : _storage.numel() * _storage.element_size();

    /// <summary>Makes room while loading, so that no step allocates.</summary>
    public void Reserve(long elements)
    {
        if (_storage is not null && _storage.numel() >= elements)
        {
            return;
        }

        _storage?.Dispose();
        _storage = torch.empty([elements], _dtype, _device).DetachFromDisposeScope();
    }

    /// <summary>An uninitialised matrix beside the buffer, of its device and dtype; the caller's to dispose.</summary>
    public torch.Tensor NewMatrix(long rows, long columns) => torch.empty([rows, columns], _dtype, _device).DetachFromDisposeScope();

    /// <summary>[rows, columns] over the buffer; the caller's scope disposes the view.</summary>
    public torch.Tensor Take(long rows, long columns)
    {
        Reserve(rows * columns);
        return _storage!.narrow(0, 0, rows * columns).view(rows, columns);
    }

    public void Dispose() => _storage?.Dispose();
}
