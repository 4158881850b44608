using System.Collections.Concurrent;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Votes of children and verdicts of the parent, waiting for the compute thread.</summary>
/// <remarks>Thread-safe. Repeated votes must be equal to the first and change nothing; those of another generation are dropped and counted.</remarks>
internal sealed class AgreementInbox
{
    private readonly ConcurrentDictionary<string, ulong> _generations = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Key, byte[]> _seen = new();
    private readonly Mailbox<Key, StepVote> _votes = new();
    private readonly Mailbox<Key, StepVerdict> _verdicts = new();
    private long _stale;

    private readonly record struct Key(string Job, ulong Generation, ulong Step, uint Rank);

    public long StaleDropped => Interlocked.Read(ref _stale);

    public void Open(string job, ulong generation)
    {
        _generations[job] = generation;
        Forget(key => key.Job == job && key.Generation < generation);
    }

    public void Close(string job)
    {
        _generations.TryRemove(job, out _);
        Forget(key => key.Job == job);
    }

    /// <summary>Stores a vote; false: it differs from one stored before under the same key.</summary>
    public bool Deliver(StepVote vote)
    {
        var key = new Key(vote.Scope.Job, vote.Scope.Generation, vote.Step, vote.Rank);
        if (!IsCurrent(key))
            return true;
        return IsFirstOrEqual(key, Google.Protobuf.MessageExtensions.ToByteArray(vote), () => _votes.TryDeliver(key, vote));
    }

    /// <inheritdoc cref="Deliver(StepVote)"/>
    public bool Deliver(StepVerdict verdict)
    {
        var key = new Key(verdict.Scope.Job, verdict.Scope.Generation, verdict.Step, uint.MaxValue);
        if (!IsCurrent(key))
            return true;
        return IsFirstOrEqual(key, Google.Protobuf.MessageExtensions.ToByteArray(verdict), () => _verdicts.TryDeliver(key, verdict));
    }

    public StepVote TakeVote(JobScope scope, ulong step, uint rank, CancellationToken cancellationToken) =>
        _votes.Take(new Key(scope.Job, scope.Generation, step, rank), cancellationToken);

    public StepVerdict TakeVerdict(JobScope scope, ulong step, CancellationToken cancellationToken) =>
        _verdicts.Take(new Key(scope.Job, scope.Generation, step, uint.MaxValue), cancellationToken);

    /// <summary>Forgets votes and verdicts of steps that all have acted on.</summary>
    public void Forget(string job, ulong beforeStep) => Forget(key => key.Job == job && key.Step < beforeStep);

    private bool IsFirstOrEqual(Key key, byte[] bytes, Action deliver)
    {
        if (!_seen.TryAdd(key, bytes))
            return _seen.TryGetValue(key, out var first) && first.AsSpan().SequenceEqual(bytes);
        deliver();
        return true;
    }

    private bool IsCurrent(Key key)
    {
        if (_generations.TryGetValue(key.Job, out var generation) && generation == key.Generation)
            return true;
        Interlocked.Increment(ref _stale);
        return false;
    }

    private void Forget(Func<Key, bool> which)
    {
        _votes.Forget(which);
        _verdicts.Forget(which);
        foreach (var key in _seen.Keys.Where(which))
            _seen.TryRemove(key, out _);
    }
}
