using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>What a replica's slots of one step became: its final subtrees' sums, and the buffer in which the stage's reduced gradient comes together.</summary>
/// <remarks>
/// Compute thread only. Owns the buffers until it is disposed, which gives them back to the pool. The reduction reads and writes host memory: on a CPU the
/// buffers themselves, else copies of them. The reduced gradient lies in the first sum where that is fp32, else in a buffer of its own.
/// </remarks>
internal sealed unsafe class StepSums : IDisposable
{
    private readonly GradientPool _pool;
    private readonly Subtree[] _subtrees;
    private readonly torch.Tensor[] _sums;
    private readonly torch.Tensor[] _hostSums;
    private readonly torch.Tensor _reduced;
    private readonly torch.Tensor _hostReduced;

    /// <param name="own">This replica's final subtrees; taken over.</param>
    /// <param name="pool">Where their buffers come from.</param>
    public StepSums(IReadOnlyList<(Subtree Subtree, torch.Tensor Sum)> own, GradientPool pool)
    {
        _pool = pool;
        _subtrees = [.. own.Select(entry => entry.Subtree)];
        _sums = [.. own.Select(entry => entry.Sum)];
        var first = pool.SumsAreReduced && _sums.Length > 0;
        _reduced = first ? _sums[0] : pool.RentReduced();
        _hostSums = IsOnHost ? _sums : [.. _sums.Select(sum => sum.cpu())];
        _hostReduced = first ? _hostSums[0] : IsOnHost ? _reduced : _reduced.cpu();
    }

    /// <summary>The stage's flat fp32 gradient in host memory, where the reduction finishes it.</summary>
    public float* HostResult => (float*)TensorMemory.Pointer(_hostReduced);

    /// <summary>This replica's final subtrees with their flat sums in host memory.</summary>
    public IReadOnlyDictionary<Subtree, nint> HostSums =>
        Enumerable.Range(0, _subtrees.Length).ToDictionary(i => _subtrees[i], i => (nint)TensorMemory.Pointer(_hostSums[i]));

    private bool IsOnHost => _reduced.device_type == DeviceType.CPU;

    /// <summary>The reduced gradient on the stage's device, once the reduction has finished it; valid until this is disposed.</summary>
    public torch.Tensor TakeResult()
    {
        if (!IsOnHost)
            _reduced.copy_(_hostReduced);
        return _reduced;
    }

    public void Dispose()
    {
        if (!IsOnHost)
        {
            Array.ForEach(_hostSums, copy => copy.Dispose());
            _hostReduced.Dispose();
        }

        Array.ForEach(_sums, _pool.Return);
        if (Array.IndexOf(_sums, _reduced) < 0)
            _pool.Return(_reduced);
    }
}
