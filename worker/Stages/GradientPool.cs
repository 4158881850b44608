using System.Collections.Concurrent;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>Flat gradient buffers of a stage, used again and again: for sums, and for the reduced gradient where that has another dtype.</summary>
/// <remarks>Thread-safe. Holds as many as were ever out at once: log2 of the slots, plus the slots that lanes finished ahead of an earlier one, plus the reduced one.</remarks>
internal sealed class GradientPool(AdapterState adapter) : IDisposable
{
    private readonly ConcurrentStack<torch.Tensor> _sums = new();
    private readonly ConcurrentStack<torch.Tensor> _reduced = new();

    /// <summary>Whether a sum may become the reduced gradient.</summary>
    public bool SumsAreReduced => adapter.GradientSums == DType.F32;

    /// <summary>A buffer of zeros for a sum.</summary>
    public torch.Tensor Rent() => Rent(_sums, adapter.NewGradient);

    /// <summary>A buffer of zeros for the reduced gradient.</summary>
    public torch.Tensor RentReduced() => SumsAreReduced ? Rent() : Rent(_reduced, adapter.NewReducedGradient);

    public void Return(torch.Tensor buffer) => (SumsAreReduced || buffer.dtype != torch.float32 ? _sums : _reduced).Push(buffer);

    public void Dispose()
    {
        foreach (var buffer in _sums.Concat(_reduced))
            buffer.Dispose();
        _sums.Clear();
        _reduced.Clear();
    }

    private static torch.Tensor Rent(ConcurrentStack<torch.Tensor> free, Func<torch.Tensor> make)
    {
        if (!free.TryPop(out var buffer))
            return make().DetachFromDisposeScope();
        buffer.zero_();
        return buffer;
    }
}
