using System.Collections.Immutable;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>The membership of workers: a versioned immutable state and the pure rule that moves it.</summary>
/// <remarks>
/// Time is an argument, so tests move it. A lost incarnation never comes back: its loss was told, so the worker has to start a new life.
/// If the lease check itself was late (a stopped process, a suspended machine), the leases are extended by the delay, for nobody could be heard in it.
/// </remarks>
internal sealed record Fleet(
    long Version,
    ImmutableSortedDictionary<string, FleetMember> Members,
    ImmutableDictionary<string, ulong> HighestIncarnations,
    DateTimeOffset LastCheck,
    MembershipOptions Options)
{
    /// <summary>More than any operation takes: what a worker says of itself is not believed beyond.</summary>
    private static readonly TimeSpan LongestOperation = TimeSpan.FromDays(1);

    public static Fleet Empty(MembershipOptions options, DateTimeOffset now) =>
        new(0, ImmutableSortedDictionary.Create<string, FleetMember>(StringComparer.Ordinal),
            ImmutableDictionary.Create<string, ulong>(StringComparer.Ordinal), now, options);

    public FleetSnapshot Snapshot => new(Version, [.. Members.Values.Select(member => member.Worker)]);

    /// <summary>What follows from an event at a moment; changes nothing.</summary>
    public FleetDecision Decide(FleetEvent happened, DateTimeOffset now) => happened switch
    {
        FleetEvent.StreamOpened opened => Open(opened, now),
        FleetEvent.Heard heard => Hear(heard, now),
        FleetEvent.Beat beat => Beat(beat, now),
        FleetEvent.Draining draining => Drain(draining),
        FleetEvent.StreamClosed closed => Close(closed, now),
        FleetEvent.ProcessEnded ended => EndProcess(ended, now),
        FleetEvent.GivenUp given => GiveUp(given.Key, given.Reason, left: false),
        FleetEvent.Left gone => GiveUp(gone.Key, gone.Reason, left: true),
        FleetEvent.Tick => Check(now),
        _ => throw new ArgumentOutOfRangeException(nameof(happened)),
    };

    private FleetDecision Open(FleetEvent.StreamOpened opened, DateTimeOffset now)
    {
        var key = opened.Worker.Key;
        Members.TryGetValue(key.WorkerId, out var known);
        if (known is not null && known.Worker.Key == key)
        {
            var back = known with { MovedAt = now, Stream = opened.Stream, LastHeard = now, ClosedSince = null };
            var admit = new FleetEffect.Admit(opened.Stream, key, Reconnect: true);
            // A stream that broke on the worker's side alone still stands here: the newest one speaks.
            return new(this with { Members = Members.SetItem(key.WorkerId, back) },
                known.ClosedSince is null ? [new FleetEffect.End(known.Stream, Replaced(key)), admit] : [admit]);
        }

        if (HighestIncarnations.TryGetValue(key.WorkerId, out var highest) && key.Incarnation <= highest)
        {
            return new(this, [new FleetEffect.Refuse(opened.Stream, Stale(key, highest))]);
        }

        var effects = ImmutableArray.CreateBuilder<FleetEffect>();
        if (known is not null)
        {
            effects.Add(new FleetEffect.End(known.Stream, Replaced(key)));
            effects.Add(new FleetEffect.Lose(known.Worker.Key, "it was started again.") { Silence = now - (known.ClosedSince ?? known.LastHeard) });
        }

        effects.Add(new FleetEffect.Admit(opened.Stream, key, Reconnect: false));
        return new(
            this with
            {
                Version = Version + 1,
                Members = Members.SetItem(key.WorkerId, new FleetMember(opened.Worker, opened.Stream, now, null)),
                HighestIncarnations = HighestIncarnations.SetItem(key.WorkerId, key.Incarnation),
            },
            effects.ToImmutable());
    }

    private FleetDecision Hear(FleetEvent.Heard heard, DateTimeOffset now) =>
        Speaking(heard.Stream, heard.Key) is { } member
            ? new(this with { Members = Members.SetItem(heard.Key.WorkerId, member with { LastHeard = now }) }, [])
            : new(this, []);

    // Whoever waits for others is not stuck: whom it waits for is.
    private FleetDecision Beat(FleetEvent.Beat beat, DateTimeOffset now)
    {
        if (Speaking(beat.Stream, beat.Key) is not { } member)
        {
            return new(this, []);
        }

        var moved = beat.Heartbeat.Waits || beat.Heartbeat.Progress != member.Progress;
        var heard = member with
        {
            LastHeard = now,
            Progress = beat.Heartbeat.Progress,
            MovedAt = moved ? now : member.MovedAt,
            StuckAfter = beat.Heartbeat.StuckAfterSeconds > 0 ? TimeSpan.FromSeconds(Math.Min(beat.Heartbeat.StuckAfterSeconds, LongestOperation.TotalSeconds)) : TimeSpan.Zero,
            Activity = beat.Heartbeat.Activity,
        };
        return new(this with { Members = Members.SetItem(beat.Key.WorkerId, heard) }, []);
    }

    private FleetDecision Drain(FleetEvent.Draining draining) =>
        Members.TryGetValue(draining.Key.WorkerId, out var member) && member.Worker.Key == draining.Key && member.Worker.DrainReason is null
            ? new(this with { Version = Version + 1, Members = Members.SetItem(draining.Key.WorkerId, member with { Worker = member.Worker with { DrainReason = draining.Reason } }) }, [])
            : new(this, []);

    private FleetDecision Close(FleetEvent.StreamClosed closed, DateTimeOffset now)
    {
        if (Speaking(closed.Stream, closed.Key) is not { } member)
        {
            return new(this, []);
        }

        var silent = member with { ClosedSince = now };
        return silent.EndedBecause is { } reason
            ? Lose([(silent, reason, TimeSpan.Zero)])
            : new(this with { Members = Members.SetItem(closed.Key.WorkerId, silent) }, []);
    }

    // What it still said lies in its stream: that is read to the end first.
    private FleetDecision EndProcess(FleetEvent.ProcessEnded ended, DateTimeOffset now)
    {
        if (!Members.TryGetValue(ended.Key.WorkerId, out var member) || member.Worker.Key != ended.Key)
        {
            return new(this, []);
        }

        return member.ClosedSince is { } since
            ? Lose([(member, ended.Reason, now - since)])
            : new(this with { Members = Members.SetItem(ended.Key.WorkerId, member with { EndedBecause = ended.Reason }) }, []);
    }

    private FleetDecision GiveUp(WorkerKey key, string reason, bool left) =>
        Members.TryGetValue(key.WorkerId, out var member) && member.Worker.Key == key
            ? Lose([(member, reason, TimeSpan.Zero)], left)
            : new(this, []);

    private FleetDecision Check(DateTimeOffset now)
    {
        var late = now - LastCheck - Options.CheckInterval;
        var checkedNow = this with { LastCheck = now };
        if (late > Options.CheckInterval)
        {
            return new(checkedNow with { Members = Members.ToImmutableSortedDictionary(m => m.Key, m => Extended(m.Value, late), StringComparer.Ordinal) }, []);
        }

        var lost = Members.Values.Select(member => (member, why: WhyLost(member, now))).Where(item => item.why is not null)
            .Select(item => (item.member, item.why!.Value.Reason, item.why.Value.Silence)).ToArray();
        return lost.Length == 0 ? new(checkedNow, []) : checkedNow.Lose(lost);
    }

    private (string Reason, TimeSpan Silence)? WhyLost(FleetMember member, DateTimeOffset now)
    {
        if (member.ClosedSince is { } since && now - since >= Options.ReconnectGrace)
        {
            return ("its connection closed and it did not come back.", now - since);
        }

        var (silence, stillness) = (now - member.LastHeard, now - member.MovedAt);
        if (silence >= Options.Lease)
        {
            return ($"nothing was heard of it for {silence.TotalSeconds:0.0} s.", silence);
        }

        return member.StuckAfter > TimeSpan.Zero && stillness >= member.StuckAfter
            ? ($"it has made no progress for {stillness.TotalSeconds:0.0} s{(member.Activity.Length > 0 ? $" ({member.Activity.TrimEnd('.')})" : "")}.", stillness)
            : null;
    }

    private FleetDecision Lose(IReadOnlyList<(FleetMember Member, string Reason, TimeSpan Silence)> lost, bool left = false)
    {
        var effects = ImmutableArray.CreateBuilder<FleetEffect>();
        foreach (var (member, reason, silence) in lost)
        {
            if (member.ClosedSince is null)
            {
                effects.Add(new FleetEffect.End(member.Stream, Gone(member.Worker.Key, reason, left)));
            }

            effects.Add(new FleetEffect.Lose(member.Worker.Key, reason, left) { Silence = silence });
        }

        return new(this with { Version = Version + 1, Members = Members.RemoveRange(lost.Select(item => item.Member.Worker.Key.WorkerId)) },
            effects.ToImmutable());
    }

    private FleetMember? Speaking(long stream, WorkerKey key) =>
        Members.TryGetValue(key.WorkerId, out var member) && member.Worker.Key == key && member.Stream == stream ? member : null;

    private static FleetMember Extended(FleetMember member, TimeSpan by) =>
        member with { LastHeard = member.LastHeard + by, MovedAt = member.MovedAt + by, ClosedSince = member.ClosedSince + by };

    private static Failure Replaced(WorkerKey key) => new()
    {
        Code = ErrorCode.StaleIncarnation,
        Message = $"A newer connection of {key.WorkerId} is attached; this one ends.",
    };

    private static Failure Stale(WorkerKey key, ulong highest) => new()
    {
        Code = ErrorCode.StaleIncarnation,
        Message = $"Incarnation {key.Incarnation} of {key.WorkerId} is over (the newest is {highest}); start the worker again.",
    };

    private static Failure Gone(WorkerKey key, string reason, bool left) => new()
    {
        Code = ErrorCode.StaleIncarnation,
        Message = $"{key.WorkerId} {(left ? "left" : "was lost")}: {reason}",
    };
}
