using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>What a layer's backward reads of its forward, beside the layer's input.</summary>
/// <remarks>Owns its tensors; a backward frees each of them after its last use. One thread a micro-batch.</remarks>
internal sealed class KeptTensors : IDisposable
{
    private readonly List<Tensor> _all = [];

    /// <summary>Bytes of all that was kept.</summary>
    public long Bytes { get; private set; }

    /// <summary>The input, normalised.</summary>
    public required Tensor Normed { get; init; }

    /// <summary>What <see cref="CausalAttention.Keep"/> gave.</summary>
    public required List<Tensor> Heads { get; init; }

    /// <summary>The attention's output.</summary>
    public required Tensor Attended { get; init; }

    /// <summary>The residual stream between attention and MLP.</summary>
    public required Tensor Middle { get; init; }

    /// <summary>The same, normalised.</summary>
    public required Tensor MiddleNormed { get; init; }

    /// <summary>Gate and up.</summary>
    public required Tensor GateUp { get; init; }

    /// <summary>silu(gate) * up.</summary>
    public required Tensor Activated { get; init; }

    /// <summary>Takes the tensors out of the thread's dispose scopes.</summary>
    public KeptTensors Detached()
    {
        _all.AddRange([Normed, .. Heads, Attended, Middle, MiddleNormed, GateUp, Activated]);
        foreach (var tensor in _all)
        {
            tensor.DetachFromDisposeScope();
            Bytes += tensor.numel() * tensor.element_size();
        }

        return this;
    }

    public void Dispose() => _all.ForEach(tensor => tensor.Dispose());
}
