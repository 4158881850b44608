using System.Collections.Immutable;
using Orchestrator.Protos;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>The gradients of one step of this stage: slots are pushed, subtrees merge, final ones are sent, the reduced gradient comes out.</summary>
/// <remarks>
/// Compute thread only. Lives as long as its generation; a step goes Begin, Push…, FinishOwned, Gather, Release, and may be released from anywhere. Sums of
/// whole stages are added on the device; what is sent or comes from other replicas is added in host memory: an exactly rounded addition has the same bits on both.
/// </remarks>
internal sealed class StepGradients : IDisposable
{
    private readonly StageGeneration _generation;
    private readonly GradientReduction _reduction;
    private readonly SubtreeStack<torch.Tensor> _stack;
    private readonly HashSet<Subtree> _sent = [];
    private IReadOnlyList<Subtree> _final = [];
    private StepSums? _sums;
    private SlotRule _slots;
    private ulong _step;

    public StepGradients(StageAssets assets, StageGeneration generation, GradientPool pool, ChunkSquares chunkSquares)
    {
        _generation = generation;
        Pool = pool;
        var chunks = assets.Adapter.Layout.Chunks.Select(chunk => new GradientChunk(chunk.Index, chunk.Offset, chunk.Length)).ToImmutableArray();
        var group = new ReductionGroup(
            generation.Scope, (int)generation.Place.Replica, (int)generation.Place.Stage, generation.NumStages,
            new ChunkOwners(chunks, generation.NumReplicas, assets.Spec.Constants.ReductionSlots), assets.Adapter.GradientSums);
        _reduction = new GradientReduction(group, generation.Link, generation.Tensors, chunkSquares);
        _stack = new SubtreeStack<torch.Tensor>(Merge);
    }

    public GradientPool Pool { get; }

    /// <summary>Bytes of gradients taken from other workers in this generation.</summary>
    public ulong BytesReceived => _reduction.BytesReceived;

    /// <summary>Begins a step.</summary>
    public void Begin(ulong step, SlotRule slots)
    {
        (_step, _slots) = (step, slots);
        _final = slots.SubtreesOf((int)_generation.Place.Replica, _generation.NumReplicas);
        _sent.Clear();
    }

    /// <summary>Takes a finished slot's buffer; what can merge merges, what is final is sent at once.</summary>
    public void Push(Subtree slot, torch.Tensor sum)
    {
        _stack.Push(slot, sum);
        var (top, topSum) = _stack.Content[^1];
        if (_generation.NumReplicas > 1 && _final.Contains(top) && _sent.Add(top))
            Scatter(top, topSum);
    }

    /// <summary>Finishes this replica's own chunks: their sums of squares, for the vote.</summary>
    public unsafe IReadOnlyList<ChunkSum> FinishOwned(Action<int, string> waitingFor, CancellationToken cancellationToken)
    {
        _sums = new StepSums(_stack.TakeAll(), Pool);
        return _reduction.FinishOwned(_step, _slots, _sums.HostSums, _sums.HostResult, waitingFor, cancellationToken);
    }

    /// <summary>Takes the other replicas' finished chunks; the reduced gradient of the whole stage, valid until <see cref="Release"/>.</summary>
    public unsafe torch.Tensor Gather(Action<int, string> waitingFor, CancellationToken cancellationToken)
    {
        var sums = _sums ?? throw new InvalidOperationException("chunks are gathered before the own ones are finished");
        _reduction.Gather(_step, sums.HostResult, waitingFor, cancellationToken);
        return sums.TakeResult();
    }

    /// <summary>Ends a step, wherever it stands: its buffers are free again.</summary>
    public void Release()
    {
        foreach (var (_, sum) in _stack.TakeAll())
            Pool.Return(sum);
        _sums?.Dispose();
        _sums = null;
    }

    public void Dispose()
    {
        Release();
        Pool.Dispose();
    }

    private unsafe void Scatter(Subtree subtree, torch.Tensor sum)
    {
        using var scope = torch.NewDisposeScope();
        _reduction.Scatter(_step, subtree, TensorMemory.Pointer(sum.device_type == DeviceType.CPU ? sum : sum.cpu()));
    }

    private void Merge(torch.Tensor left, torch.Tensor right)
    {
        left.Add(right);
        Pool.Return(right);
    }
}
