using TorchSharp;

namespace Orchestrator.Worker.Adapters;

/// <summary>A copy of a stage's adapter state after one step, in host memory.</summary>
/// <remarks>Filled on the compute thread, then read-only until it is filled again: it may be read from another thread meanwhile.</remarks>
internal sealed class AdapterSnapshot : IDisposable
{
    private byte[]? _hash;

    private AdapterSnapshot(AdapterLayout layout, IReadOnlyList<torch.Tensor> flats)
    {
        Layout = layout;
        Flats = flats;
        Moments = [.. flats.Skip(1)];
    }

    /// <summary>The step whose result this is; 0: the initial state.</summary>
    public ulong Step { get; private set; }

    public AdapterLayout Layout { get; }

    /// <summary>Parameters, then each moment.</summary>
    public IReadOnlyList<torch.Tensor> Flats { get; }

    public torch.Tensor Parameters => Flats[0];

    public IReadOnlyList<torch.Tensor> Moments { get; }

    /// <summary>A snapshot to be filled; the padding between parameters is zero, as it is in a state.</summary>
    public static AdapterSnapshot Allocate(AdapterLayout layout, int numMoments) =>
        new(layout, [.. Enumerable.Range(0, 1 + numMoments).Select(_ => torch.zeros(layout.NumElements, torch.float32).DetachFromDisposeScope())]);

    public void CopyFrom(AdapterState state, ulong step)
    {
        Parameters.copy_(state.Parameters);
        for (var i = 0; i < state.Moments.Count; i++)
            Flats[1 + i].copy_(state.Moments[i]);
        FilledFor(step);
    }

    /// <summary>It was filled otherwise, with the state after a step.</summary>
    public void FilledFor(ulong step) => (Step, _hash) = (step, null);

    /// <summary>Equal to <see cref="AdapterState.Hash"/> of the state it was taken from.</summary>
    public byte[] Hash() => _hash ??= LayerStates.HashOf(Layout, Flats).ToBytes();

    public void Dispose()
    {
        foreach (var flat in Flats)
            flat.Dispose();
    }
}
