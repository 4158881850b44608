using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>What a replica's slots of one step became: its final subtrees' sums, and the buffer in which the stage's reduced gradient comes together.</summary>
/// <remarks>
/// Compute thread only. Owns the buffers until it is disposed, which gives them back to the pool. The reduction reads and writes host memory: on a CPU the
/// buffers themselves, else copies of them. The reduced gradient lies in the first sum, or, where this replica had no slot, in a buffer of zeros.
/// </remarks>
internal sealed unsafe class StepSums : IDisposable
{
    private readonly GradientPool _pool;
    private readonly Subtree[] _subtrees;
    private readonly torch.Tensor[] _sums;
    private readonly torch.Tensor[] _host;

    /// <param name="own">This replica's final subtrees; taken over.</param>
    /// <param name="pool">Where their buffers come from.</param>
    public StepSums(IReadOnlyList<(Subtree Subtree, torch.Tensor Sum)> own, GradientPool pool)
    {
        _pool = pool;
        _subtrees = [.. own.Select(entry => entry.Subtree)];
        _sums = own.Count > 0 ? [.. own.Select(entry => entry.Sum)] : [pool.Rent()];
        _host = IsOnHost ? _sums : [.. _sums.Select(sum => sum.cpu())];
    }

    /// <summary>The stage's flat gradient in host memory, where the reduction finishes it.</summary>
    public float* HostResult => (float*)TensorMemory.Pointer(_host[0]);

    /// <summary>This replica's final subtrees with their flat sums in host memory.</summary>
    public IReadOnlyDictionary<Subtree, nint> HostSums =>
        Enumerable.Range(0, _subtrees.Length).ToDictionary(i => _subtrees[i], i => (nint)TensorMemory.Pointer(_host[i]));

    private bool IsOnHost => _sums[0].device_type == DeviceType.CPU;

    /// <summary>The reduced gradient on the stage's device, once the reduction has finished it; valid until this is disposed.</summary>
    public torch.Tensor TakeResult()
    {
        if (!IsOnHost)
            _sums[0].copy_(_host[0]);
        return _sums[0];
    }

    public void Dispose()
    {
        if (!IsOnHost)
            Array.ForEach(_host, copy => copy.Dispose());
        Array.ForEach(_sums, _pool.Return);
    }
}
