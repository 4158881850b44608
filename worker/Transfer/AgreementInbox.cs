using System.Collections.Concurrent;
using System.Security.Cryptography;
using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Votes of children and verdicts of the parent, waiting for the compute thread.</summary>
/// <remarks>
/// Thread-safe. Repeated votes must be equal to the first and change nothing; those of another generation are dropped and counted. Of what came only a digest is
/// kept: a verdict on an evaluation holds all of its losses.
/// </remarks>
internal sealed class AgreementInbox
{
    private readonly ConcurrentDictionary<string, ulong> _generations = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Key, byte[]> _seen = new();
    private readonly Mailbox<Key, StepVote> _votes = new();
    private readonly Mailbox<Key, StepVerdict> _verdicts = new();
    private long _stale;

    private readonly record struct Key(string Job, ulong Generation, ulong Step, bool Evaluation, uint Rank);

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
        var key = new Key(vote.Scope.Job, vote.Scope.Generation, vote.Step, vote.Evaluation, vote.Rank);
        if (!IsCurrent(key))
            return true;
        return IsFirstOrEqual(key, vote, () => _votes.TryDeliver(key, vote));
    }

    /// <inheritdoc cref="Deliver(StepVote)"/>
    public bool Deliver(StepVerdict verdict)
    {
        var key = new Key(verdict.Scope.Job, verdict.Scope.Generation, verdict.Step, verdict.Evaluation, uint.MaxValue);
        if (!IsCurrent(key))
            return true;
        return IsFirstOrEqual(key, verdict, () => _verdicts.TryDeliver(key, verdict));
    }

    /// <summary>Waits without limit for a child's vote and takes it.</summary>
    public StepVote TakeVote(JobScope scope, ulong step, bool evaluation, uint rank, CancellationToken cancellationToken) =>
        _votes.Take(new Key(scope.Job, scope.Generation, step, evaluation, rank), cancellationToken);

    /// <summary>Waits without limit for the parent's verdict and takes it.</summary>
    public StepVerdict TakeVerdict(JobScope scope, ulong step, bool evaluation, CancellationToken cancellationToken) =>
        _verdicts.Take(new Key(scope.Job, scope.Generation, step, evaluation, uint.MaxValue), cancellationToken);

    /// <summary>Forgets votes and verdicts of steps that all have acted on.</summary>
    public void Forget(string job, ulong beforeStep) => Forget(key => key.Job == job && key.Step < beforeStep);

    private bool IsFirstOrEqual(Key key, IMessage message, Action deliver)
    {
        var digest = SHA256.HashData(message.ToByteArray());
        if (!_seen.TryAdd(key, digest))
            return _seen.TryGetValue(key, out var first) && first.AsSpan().SequenceEqual(digest);
        deliver();
        // The generation may have ended meanwhile, after all that is older was forgotten.
        if (!IsCurrent(key))
            Forget(other => other == key);
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
