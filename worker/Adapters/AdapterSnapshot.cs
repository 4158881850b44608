using Orchestrator.Worker.Kernels;
using TorchSharp;

namespace Orchestrator.Worker.Adapters;

/// <summary>A copy of a stage's adapter state after one step, in host memory.</summary>
/// <remarks>Filled on the compute thread, then read-only until it is reused: it may be written to a file from another thread.</remarks>
internal sealed class AdapterSnapshot : IDisposable
{
    private AdapterSnapshot(AdapterLayout layout, torch.Tensor parameters, IReadOnlyList<torch.Tensor> moments)
    {
        Layout = layout;
        Parameters = parameters;
        Moments = moments;
    }

    /// <summary>The step whose result this is; 0: the initial state.</summary>
    public ulong Step { get; private set; }

    public AdapterLayout Layout { get; }

    public torch.Tensor Parameters { get; }

    public IReadOnlyList<torch.Tensor> Moments { get; }

    public static AdapterSnapshot Allocate(AdapterLayout layout, int numMoments)
    {
        torch.Tensor New() => torch.empty(layout.NumElements, torch.float32).DetachFromDisposeScope();
        return new AdapterSnapshot(layout, New(), [.. Enumerable.Range(0, numMoments).Select(_ => New())]);
    }

    public void CopyFrom(AdapterState state, ulong step)
    {
        Parameters.copy_(state.Parameters);
        for (var i = 0; i < Moments.Count; i++)
            Moments[i].copy_(state.Moments[i]);
        Step = step;
    }

    /// <summary>Equal to <see cref="AdapterState.Hash"/> of the state it was taken from.</summary>
    public byte[] Hash()
    {
        var hash = new StateHash();
        AdapterState.Append(ref hash, Parameters);
        foreach (var moment in Moments)
            AdapterState.Append(ref hash, moment);
        return hash.ToBytes();
    }

    public void Dispose()
    {
        Parameters.Dispose();
        foreach (var moment in Moments)
            moment.Dispose();
    }
}
