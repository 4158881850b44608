using Orchestrator.Protos;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Mirrors;

/// <summary>States of another worker of a job, in this one's host memory.</summary>
/// <remarks>
/// Thread-safe: streams deliver, a change of generation reads. Bounded: of a generation the last two whole states and the one that is coming, each no larger than
/// the whole job's state; those of the generation before until this worker has acted in the new one.
/// </remarks>
internal sealed class MirrorStore : IMirrorKeeper, IDisposable
{
    private readonly Lock _gate = new();
    private readonly MirrorLedger<TensorBuffer> _ledger = new(buffer => buffer.Dispose());
    private ulong _generation;
    private uint? _sender;
    private ulong _limit;

    /// <summary>Takes the states of one rank of a generation from now on.</summary>
    /// <param name="generation">The generation.</param>
    /// <param name="sender">The rank; null: none mirrors its state here.</param>
    /// <param name="limitBytes">The most bytes that a state may have.</param>
    public void Open(ulong generation, uint? sender, ulong limitBytes)
    {
        lock (_gate)
            (_generation, _sender, _limit) = (generation, sender, limitBytes);
    }

    /// <inheritdoc/>
    public ulong? LimitOf(in TensorKey key)
    {
        lock (_gate)
            return key.Generation == _generation && key.Sender == _sender ? _limit : null;
    }

    /// <inheritdoc/>
    public bool Knows(in TensorKey key)
    {
        lock (_gate)
            return _ledger.Knows(key.Generation, key.Step, key.Index);
    }

    /// <inheritdoc/>
    public Arrival Take(in TensorKey key, ReceivedTensor tensor)
    {
        lock (_gate)
        {
            if (key.Generation != _generation || key.Sender != _sender)
                return Drop(tensor, Arrival.Stale);
            if (key.Index != MirrorSeals.Index && !HasRoom(key, tensor))
            {
                tensor.Dispose();
                throw new TensorFrameException($"with {key} the state that rank {key.Sender} mirrors here is larger than the whole job's");
            }

            if (key.Index != MirrorSeals.Index)
                return _ledger.Add(key.Generation, key.Step, key.Index, tensor.Buffer) ? Arrival.Accepted : Drop(tensor, Arrival.Duplicate);
            using (tensor)
            {
                if (MirrorSeals.Read(tensor.Buffer) is { } seal)
                    _ledger.Seal(key.Generation, key.Step, seal);
                return Arrival.Accepted;
            }
        }
    }

    /// <summary>What is held whole and undamaged, for messages and for giving.</summary>
    public IReadOnlyList<HeldState> States()
    {
        lock (_gate)
        {
            _ledger.Drop(state => state is { IsWhole: true, Seal: { } seal } && !MirrorSeals.Fits(seal, state.Layers));
            return [.. _ledger.Whole.DistinctBy(state => (state.Step, state.Seal!.Value)).Select(state => new HeldState
            {
                Step = state.Step,
                FirstLayer = state.Seal!.Value.FirstLayer,
                LastLayer = state.Seal.Value.LastLayer,
                Holding = StateHolding.Mirror,
                Hash = Google.Protobuf.ByteString.CopyFrom(Kernels.StateHash.ToBytes((state.Seal.Value.HashLow, state.Seal.Value.HashHigh))),
            })];
        }
    }

    /// <summary>A layer's state after a step, one ownership of it the caller's; null: it is not held.</summary>
    public TensorBuffer? Find(ulong step, uint layer)
    {
        lock (_gate)
            return PieceOf(step, layer)?.Retain();
    }

    /// <summary>Whether a layer's state after a step is held.</summary>
    public bool Holds(ulong step, uint layer)
    {
        lock (_gate)
            return PieceOf(step, layer) is not null;
    }

    /// <summary>This worker has acted in a generation: the states of older ones are not needed any more.</summary>
    public void EndOlder(ulong generation)
    {
        lock (_gate)
            _ledger.EndOlder(generation);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            (_generation, _sender) = (0, null);
            _ledger.Clear();
        }
    }

    private TensorBuffer? PieceOf(ulong step, uint layer) =>
        _ledger.Whole.Where(state => state.Step == step).Select(state => state.Layers.GetValueOrDefault(layer)).FirstOrDefault(piece => piece is not null);

    private bool HasRoom(in TensorKey key, ReceivedTensor tensor) =>
        (ulong)_ledger.Contents(key.Generation, key.Step).Sum(piece => piece.Bytes) + (ulong)tensor.Buffer.Bytes <= _limit;

    private static Arrival Drop(ReceivedTensor tensor, Arrival arrival)
    {
        tensor.Dispose();
        return arrival;
    }
}
