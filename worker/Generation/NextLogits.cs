using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Generation;

/// <summary>Logits that choose the next token, a row a sequence, in host memory as fp32.</summary>
/// <remarks>Owns the memory: a row is valid until it is disposed. Compute thread only.</remarks>
internal sealed class NextLogits : IDisposable
{
    private readonly torch.Tensor _logits;
    private readonly int _vocabulary;

    /// <param name="logits">[rows, vocabulary] in any dtype on any device; stays the caller's.</param>
    public NextLogits(torch.Tensor logits)
    {
        using var scope = torch.NewDisposeScope();
        _logits = logits.to_type(torch.ScalarType.Float32).cpu().contiguous().clone().DetachFromDisposeScope();
        _vocabulary = (int)logits.shape[1];
    }

    public ReadOnlySpan<float> this[int row] => TensorMemory.Floats(_logits).Slice(row * _vocabulary, _vocabulary);

    public void Dispose() => _logits.Dispose();
}
