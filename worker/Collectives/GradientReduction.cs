using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Collectives;

/// <summary>Adds the gradients of a stage's replicas together: every replica ends with all finished chunks.</summary>
/// <remarks>
/// Whole subtrees are scattered by chunk owner (<see cref="Scatter"/>, as soon as a subtree is final), each owner adds its chunks by the slot tree and
/// sends them to the others (<see cref="FinishOwned"/>), everybody gathers the rest (<see cref="Gather"/>). A replica receives, in units of the adapter's
/// bytes, at most its share of the others' subtrees plus one (a partial sum of fp64 counts twice). One a generation, on the compute thread.
/// </remarks>
internal sealed unsafe class GradientReduction(ReductionGroup group, IPeerLink link, TensorInbox inbox, ChunkSquares chunkSquares)
{
    /// <summary>Bytes of gradients taken from other workers.</summary>
    public ulong BytesReceived { get; private set; }

    private bool AreWide => group.Sums == DType.F64;

    private int SumBytes => BlobLayout.BytesOf(group.Sums);

    /// <summary>Sends the other owners' chunks of one of this replica's final subtrees.</summary>
    /// <param name="step">The step.</param>
    /// <param name="subtree">Which of its subtrees.</param>
    /// <param name="flat">Its flat sum.</param>
    public void Scatter(ulong step, Subtree subtree, byte* flat)
    {
        for (var owner = 0; owner < group.NumReplicas; owner++)
        {
            var (offset, length) = group.Owners.RangeOf(owner);
            if (owner == group.Replica || length == 0)
                continue;
            var buffer = TensorBuffer.CopyOf(flat + (offset * SumBytes), length * SumBytes);
            link.Send(group.RankOf(owner), Key(step, group.Replica, TensorKind.PartialGradient, subtree.First), group.Sums, buffer);
        }
    }

    /// <summary>Adds this replica's own chunks by the slot tree into <paramref name="result"/>, sends them to the others and returns their sums of squares.</summary>
    /// <param name="step">The step.</param>
    /// <param name="slots">The step's slots.</param>
    /// <param name="own">This replica's final subtrees with their flat gradients; their own range may be overwritten.</param>
    /// <param name="result">The stage's flat gradient; may be the first of <paramref name="own"/> where sums are fp32.</param>
    /// <param name="waitingFor">Told before each wait: the replica and what of it.</param>
    /// <param name="cancellationToken">Ends a wait.</param>
    public IReadOnlyList<ChunkSum> FinishOwned(
        ulong step,
        SlotRule slots,
        IReadOnlyDictionary<Subtree, nint> own,
        float* result,
        Action<int, string>? waitingFor,
        CancellationToken cancellationToken)
    {
        var (offset, length) = group.Owners.RangeOf(group.Replica);
        if (length == 0)
            return [];
        AddOwned(step, slots, own, result + offset, offset, length, waitingFor, cancellationToken);
        SendFinished(step, result + offset, length);
        return SumsOfSquares(result);
    }

    /// <summary>Takes the other owners' finished chunks into <paramref name="result"/>.</summary>
    public void Gather(ulong step, float* result, Action<int, string>? waitingFor, CancellationToken cancellationToken)
    {
        for (var owner = 0; owner < group.NumReplicas; owner++)
        {
            var (offset, length) = group.Owners.RangeOf(owner);
            if (owner == group.Replica || length == 0)
                continue;
            waitingFor?.Invoke(owner, "finished gradient chunks");
            using var received = Receive(Key(step, owner, TensorKind.ReducedGradient, owner), DType.F32, length, cancellationToken);
            Buffer.MemoryCopy(received.Buffer.Pointer, result + offset, length * sizeof(float), length * sizeof(float));
        }
    }

    private void AddOwned(
        ulong step,
        SlotRule slots,
        IReadOnlyDictionary<Subtree, nint> own,
        float* result,
        long offset,
        long length,
        Action<int, string>? waitingFor,
        CancellationToken cancellationToken)
    {
        var stack = new SubtreeStack<Partial>((left, right) =>
        {
            Add(left.Values, right.Values, length, AreWide);
            right.Dispose();
        });
        for (var replica = 0; replica < group.NumReplicas; replica++)
        {
            foreach (var subtree in slots.SubtreesOf(replica, group.NumReplicas))
            {
                if (replica == group.Replica)
                {
                    stack.Push(subtree, new Partial((byte*)own[subtree] + (offset * SumBytes), null));
                    continue;
                }

                waitingFor?.Invoke(replica, $"gradient of slots {subtree}");
                var received = Receive(Key(step, replica, TensorKind.PartialGradient, subtree.First), group.Sums, length, cancellationToken);
                stack.Push(subtree, new Partial((byte*)received.Buffer.Pointer, received));
            }
        }

        using var whole = stack.TakeAll().Single().Sum;
        if (AreWide)
            ForParts(length, (at, part) => ChunkKernels.Narrow(new ReadOnlySpan<double>((double*)whole.Values + at, part), new Span<float>(result + at, part)));
        else if ((float*)whole.Values != result)
            Buffer.MemoryCopy(whole.Values, result, length * sizeof(float), length * sizeof(float));
    }

    private static void Add(byte* target, byte* addend, long length, bool wide) => ForParts(length, (at, part) =>
    {
        if (wide)
            ChunkKernels.Add(new Span<double>((double*)target + at, part), new ReadOnlySpan<double>((double*)addend + at, part));
        else
            ChunkKernels.Add(new Span<float>((float*)target + at, part), new ReadOnlySpan<float>((float*)addend + at, part));
    });

    // A span has at most 2^31 elements.
    private static void ForParts(long length, Action<long, int> body)
    {
        const int MostAtOnce = 1 << 28;
        for (long at = 0; at < length; at += MostAtOnce)
            body(at, (int)Math.Min(MostAtOnce, length - at));
    }

    private void SendFinished(ulong step, float* finished, long length)
    {
        if (group.NumReplicas == 1)
            return;
        using var buffer = TensorBuffer.CopyOf(finished, length * sizeof(float));
        for (var replica = 0; replica < group.NumReplicas; replica++)
        {
            if (replica != group.Replica)
                link.Send(group.RankOf(replica), Key(step, group.Replica, TensorKind.ReducedGradient, group.Replica), DType.F32, buffer.Retain());
        }
    }

    private List<ChunkSum> SumsOfSquares(float* result)
    {
        var sums = new List<ChunkSum>();
        foreach (var chunk in group.Owners.ChunksOf(group.Replica))
            sums.Add(new ChunkSum { Chunk = chunk.Index, SumOfSquares = chunkSquares(new ReadOnlySpan<float>(result + chunk.Offset, chunk.Length)) });
        return sums;
    }

    private ReceivedTensor Receive(TensorKey key, DType dtype, long length, CancellationToken cancellationToken)
    {
        var received = inbox.Take(key, cancellationToken);
        if (received.DType != dtype || received.Buffer.Bytes != length * BlobLayout.BytesOf(dtype))
        {
            received.Dispose();
            throw new InvalidOperationException($"{key} has {received.Buffer.Bytes} bytes of {received.DType}, not {length} values of {dtype}: the workers do not agree on who owns what");
        }

        BytesReceived += (ulong)received.Buffer.Bytes;
        return received;
    }

    private TensorKey Key(ulong step, int sender, TensorKind kind, int index) =>
        new(group.Scope.Job, group.Scope.Generation, step, group.RankOf(sender), kind, (uint)index);

    // A sum on the stack: this replica's own lies in its flat gradient, another's in the tensor that came.
    private sealed class Partial(byte* values, ReceivedTensor? received) : IDisposable
    {
        public byte* Values => values;

        public void Dispose() => received?.Dispose();
    }
}
