using Orchestrator.Worker.Adapters;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Flat fp32 gradient buffers of a stage, used again and again.</summary>
/// <remarks>Compute thread only. Holds as many as were ever out at once: log2 of the slots, plus one.</remarks>
internal sealed class GradientPool(AdapterState adapter) : IDisposable
{
    private readonly Stack<torch.Tensor> _free = new();

    /// <summary>A buffer of zeros.</summary>
    public torch.Tensor Rent()
    {
        if (!_free.TryPop(out var buffer))
            return adapter.NewGradient().DetachFromDisposeScope();
        buffer.zero_();
        return buffer;
    }

    public void Return(torch.Tensor buffer) => _free.Push(buffer);

    public void Dispose()
    {
        while (_free.TryPop(out var buffer))
            buffer.Dispose();
    }
}
