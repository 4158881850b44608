using System.Collections.Concurrent;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Tensors of other workers, keyed, waiting for the compute thread.</summary>
/// <remarks>
/// Thread-safe: streams deliver from their own threads, the compute thread takes. Only tensors of a job's current generation come in; older ones
/// are dropped and counted, and so are second arrivals. How much waits is bounded by the senders' programs: a pipeline's schedule, a step's
/// subtrees, evaluation credits. Mirrored states, for which nobody waits, go on to their keeper.
/// </remarks>
internal sealed class TensorInbox
{
    private readonly ConcurrentDictionary<string, OpenJob> _jobs = new(StringComparer.Ordinal);
    private readonly Mailbox<TensorKey, ReceivedTensor> _mail = new();
    private long _stale;
    private long _duplicates;
    private long _corrupt;

    public long StaleDropped => Interlocked.Read(ref _stale);

    public long DuplicatesDropped => Interlocked.Read(ref _duplicates);

    /// <summary>Frames whose bytes were not those that were sent: they came again over another stream.</summary>
    public long CorruptFrames => Interlocked.Read(ref _corrupt);

    /// <summary>Accepts this generation of a job from now on, and no older one.</summary>
    /// <param name="job">The job.</param>
    /// <param name="generation">The generation.</param>
    /// <param name="limits">What may be declared.</param>
    /// <param name="mirrors">Takes mirrored states; null: none are received.</param>
    public void Open(string job, ulong generation, TransferLimits limits, IMirrorKeeper? mirrors = null)
    {
        _jobs.AddOrUpdate(
            job, _ => new OpenJob(generation, limits, mirrors), (_, open) => new OpenJob(generation, limits, mirrors) { BytesReceived = Interlocked.Read(ref open.BytesReceived) });
        _mail.Forget(key => key.Job == job && key.Generation < generation, tensor => tensor.Dispose());
    }

    /// <summary>Accepts nothing of a job any more and frees what lies here.</summary>
    public void Close(string job)
    {
        _jobs.TryRemove(job, out _);
        _mail.Forget(key => key.Job == job, tensor => tensor.Dispose());
    }

    /// <summary>Bytes of a job's tensors that were taken for its steps (<see cref="TensorKinds"/>), over all its generations.</summary>
    /// <remarks>Counted when taken, not when delivered: a sender may be steps ahead, and a step's report is to name that step's bytes.</remarks>
    public ulong BytesReceived(string job) => _jobs.TryGetValue(job, out var open) ? (ulong)Interlocked.Read(ref open.BytesReceived) : 0;

    /// <summary>What would become of this tensor if it were delivered now.</summary>
    /// <param name="key">The tensor.</param>
    /// <param name="limit">
    /// The most bytes that it may have, by the same state of the job as the answer: a generation may end at any moment. Null: none of its kind is
    /// received, or it is stale.
    /// </param>
    public Arrival Foresee(in TensorKey key, out ulong? limit)
    {
        limit = null;
        if (!_jobs.TryGetValue(key.Job, out var job) || job.Generation != key.Generation)
            return Arrival.Stale;
        limit = key.Kind == TensorKind.Mirror ? job.Mirrors?.LimitOf(key) : job.Limits.Of(key.Kind);
        return (key.Kind == TensorKind.Mirror ? job.Mirrors?.Knows(key) == true : _mail.Knows(key)) ? Arrival.Duplicate : Arrival.Accepted;
    }

    /// <summary>Delivers a whole tensor and takes it over, whatever becomes of it.</summary>
    public Arrival Deliver(in TensorKey key, ReceivedTensor tensor)
    {
        if (key.Kind == TensorKind.Mirror)
            return DeliverMirror(key, tensor);
        var arrival = !IsCurrent(key) ? Arrival.Stale : _mail.TryDeliver(key, tensor) ? Arrival.Accepted : Arrival.Duplicate;
        if (arrival != Arrival.Accepted)
        {
            tensor.Dispose();
            CountDropped(arrival);
        }
        else if (!IsCurrent(key))
        {
            // The generation ended in between: what swept the mail may have been here before the tensor was.
            var late = key;
            _mail.Forget(other => other == late, swept => swept.Dispose());
        }

        return arrival;
    }

    /// <summary>Counts a frame whose checksum was wrong.</summary>
    public void CountCorrupt() => Interlocked.Increment(ref _corrupt);

    /// <summary>Counts a tensor that was dropped before it was whole.</summary>
    public void CountDropped(Arrival arrival) => Interlocked.Increment(ref arrival == Arrival.Stale ? ref _stale : ref _duplicates);

    /// <summary>Waits without limit for a tensor and takes it.</summary>
    public ReceivedTensor Take(in TensorKey key, CancellationToken cancellationToken)
    {
        var tensor = _mail.Take(key, cancellationToken);
        if (key.Kind.BelongsToAStep() && _jobs.TryGetValue(key.Job, out var job))
            Interlocked.Add(ref job.BytesReceived, tensor.Buffer.Bytes);
        return tensor;
    }

    /// <summary>Forgets the keys of steps that nobody sends any more.</summary>
    public void Forget(string job, ulong beforeStep) => _mail.Forget(key => key.Job == job && key.Step < beforeStep, tensor => tensor.Dispose());

    private Arrival DeliverMirror(in TensorKey key, ReceivedTensor tensor)
    {
        if (!_jobs.TryGetValue(key.Job, out var job) || job.Generation != key.Generation || job.Mirrors is not { } mirrors)
        {
            tensor.Dispose();
            CountDropped(Arrival.Stale);
            return Arrival.Stale;
        }

        var arrival = mirrors.Take(key, tensor);
        if (arrival != Arrival.Accepted)
            CountDropped(arrival);
        return arrival;
    }

    private bool IsCurrent(in TensorKey key) => _jobs.TryGetValue(key.Job, out var job) && job.Generation == key.Generation;

    private sealed class OpenJob(ulong generation, TransferLimits limits, IMirrorKeeper? mirrors)
    {
        public long BytesReceived;

        public ulong Generation => generation;

        public TransferLimits Limits => limits;

        public IMirrorKeeper? Mirrors => mirrors;
    }
}
