using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From the end of a generation to the answers of everybody who may be in the next one.</summary>
/// <remarks>
/// <code>
/// GenerationEnded -> JoinGeneration to members, spares and newcomers -> GenerationJoined from each, or its loss -> (all answered) JobReplacement
///        ^                                                                             |
///        \------------------------- a member is lost ----------------------------------/
/// </code>
/// Protocol: protos/steps/README.md. Whoever attaches meanwhile is asked, too.
/// </remarks>
internal static class JobRecovery
{
    /// <summary>A step that loses workers so often, without a commit between, is what kills them.</summary>
    private const int MostLosses = 3;

    /// <summary>How long a coordinator that was started again waits for its members: above the longest pause between two attempts to connect.</summary>
    private static readonly TimeSpan ReattachPatience = TimeSpan.FromSeconds(10);

    public static void OnLost(JobTurn turn, WorkerLost lost)
    {
        turn.Session = turn.Session with
        {
            Fleet = turn.Session.Fleet with { Workers = [.. turn.Session.Fleet.Workers.Where(worker => worker.Key != lost.Key)] },
            Told = turn.Session.Told.Remove(lost.Key),
        };
        if (turn.Record.Placement is null || JobFinishing.IsSaved(turn))
        {
            return;
        }

        if (IsMember(turn, lost.Key))
        {
            Begin(turn, new GenerationEnded
            {
                Worker = JobTurn.IdentityOf(lost.Key),
                Reason = $"{lost.Key} {lost.Verb} {JobEnding.Moment(turn.Record)}: {lost.Reason.TrimEnd('.')}.",
                End = lost.Left ? GenerationEnd.Left : GenerationEnd.Lost,
                SilentSeconds = lost.Silence.TotalSeconds,
                Account = JobReport.AccountOf(turn.Record, turn.Session, lost.Key),
            });
        }
        else
        {
            OnOtherGone(turn, lost.Key);
        }
    }

    /// <summary>The generation is over; everybody who may be in the next one is asked what it holds.</summary>
    public static void Begin(JobTurn turn, GenerationEnded ended)
    {
        var awaited = turn.Session.Recovery?.Awaited ?? [];
        ended.Generation = turn.Record.Generations.Number;
        ended.Step = (turn.Session.Repeated ?? turn.Record.CommittedStep) + 1;
        turn.Raise(ended);
        turn.Session = turn.Session with
        {
            Recovery = RecoveryAnswers.None with
            {
                Awaited = ended.Worker is { } worker ? awaited.Remove(WorkerKey.Of(worker)) : awaited,
                // A change that was planned was planned for the workers that are there.
                WaitsSince = ended.End is GenerationEnd.Growth or GenerationEnd.Drained ? DateTimeOffset.MinValue : null,
            },
            Change = null,
            HeldAfter = null,
        };
        if (ended is { Account: not null, Worker: { } lost })
        {
            // Its account is the journal's from here on.
            var key = WorkerKey.Of(lost);
            turn.Session = turn.Session with { Places = turn.Session.Places.Remove(key), Totals = turn.Session.Totals.Remove(key) };
        }

        if (ended is { GivenUp: true, Worker: { } gone })
        {
            turn.Release(WorkerKey.Of(gone));
        }

        if (turn.Record.Generations.LossesInARow >= MostLosses)
        {
            JobEnding.Fail(turn, $"{ended.Reason.TrimEnd('.')}; step {ended.Step} has lost workers {MostLosses} times without a commit between, so the step itself seems to end them: "
                + "look at the workers' logs, then go on with --resume.");
            return;
        }

        AskAll(turn);
    }

    /// <summary>Goes on after the coordinator was started again: the workers run to the end of their window and hold; their states and reports are asked for.</summary>
    public static void Reawaken(JobTurn turn)
    {
        // Whoever was lost before does not come back.
        var members = turn.Placement.Ranks.Select(rank => rank.Worker).Concat(turn.Record.Generations.Givers)
            .Except(turn.Record.Generations.GivenUp).Except(turn.Record.Generations.GoneLives);
        turn.Session = turn.Session with { Recovery = RecoveryAnswers.None with { Awaited = [.. members] } };
        Begin(turn, new GenerationEnded { Reason = $"The coordinator was started again {JobEnding.Moment(turn.Record)}.", End = GenerationEnd.Restarted });
    }

    /// <summary>Asks for the fleet, and gives absent members time to attach.</summary>
    public static void AwaitMembers(JobTurn turn)
    {
        turn.Do(new JobEffect.SubscribeToFleet());
        turn.Do(new JobEffect.Later(ReattachPatience, new JobInput.ReattachOver()));
    }

    public static void OnFleet(JobTurn turn)
    {
        JobChanges.NoteLeaving(turn);
        if (turn.Record.IsJoining && turn.Session.Recovery is not null)
        {
            AskAll(turn);
        }
        else
        {
            JobChanges.Consider(turn);
        }
    }

    public static void OnJoined(JobTurn turn, WorkerKey worker, GenerationJoined joined)
    {
        if (turn.Session.Recovery is not { } recovery || !recovery.Asked.TryGetValue(worker, out var earlier) || earlier is not null)
        {
            turn.DropStale($"{worker} joined generation {joined.Scope.Generation} again");
            return;
        }

        ReturnedReports.Take(turn, worker, joined.Reports);
        Change(turn, asked => asked with { Asked = asked.Asked.SetItem(worker, joined) });
        JobReplacement.TryPlace(turn);
    }

    /// <summary>Members that have not come back are lost.</summary>
    public static void OnReattachOver(JobTurn turn)
    {
        if (!turn.Record.IsJoining || turn.Session.Recovery is not { } recovery)
        {
            return;
        }

        foreach (var absent in recovery.Awaited.OrderBy(worker => worker.WorkerId, StringComparer.Ordinal))
        {
            if (!turn.Record.HasEnded)
            {
                LoseAbsent(turn, absent, "it did not come back after the coordinator was started again");
            }
        }
    }

    /// <summary>Another worker has been waited for long enough, or so it was when that was planned.</summary>
    public static void OnLifePatienceOver(JobTurn turn, JobInput.LifePatienceOver over)
    {
        if (turn.Record.IsJoining && over.Generation == turn.Record.Generations.Number)
        {
            JobReplacement.TryPlace(turn);
        }
    }

    /// <summary>Everybody of the job's class who is attached and not given up.</summary>
    public static IEnumerable<AttachedWorker> Candidates(JobTurn turn) => turn.Session.Fleet.Workers
        .Where(worker => worker.Class.Equals(turn.Placement.Class) && !turn.Record.Generations.GivenUp.Contains(worker.Key));

    /// <summary>A worker whose end does not concern the generation serves this job no more.</summary>
    public static void GiveUp(JobTurn turn, WorkerKey worker, string reason)
    {
        turn.Raise(new WorkerGivenUp { Worker = JobTurn.IdentityOf(worker), Reason = reason });
        turn.Release(worker);
        OnOtherGone(turn, worker);
    }

    public static void Change(JobTurn turn, Func<RecoveryAnswers, RecoveryAnswers> change) =>
        turn.Session = turn.Session with { Recovery = change(turn.Session.Recovery ?? RecoveryAnswers.None) };

    private static void OnOtherGone(JobTurn turn, WorkerKey worker)
    {
        if (turn.Record.IsJoining)
        {
            Change(turn, recovery => recovery with { Asked = recovery.Asked.Remove(worker) });
            JobReplacement.TryPlace(turn);
        }
        else
        {
            JobChanges.OnLost(turn, worker);
        }
    }

    private static void AskAll(JobTurn turn)
    {
        // Before the data is read again and the fleet is known nobody can be asked.
        if (turn.Session.Material is null || turn.Session.Recovery is not { } recovery)
        {
            return;
        }

        if (recovery.Awaited.OrderBy(member => member.WorkerId, StringComparer.Ordinal).FirstOrDefault(member => turn.Session.Fleet.Workers.Any(worker => worker.Key.WorkerId == member.WorkerId && worker.Key != member)) is { WorkerId: not null } replaced)
        {
            // Its loss begins the next generation, which everybody is asked for.
            LoseAbsent(turn, replaced, "it was started again while the coordinator was away");
            return;
        }

        foreach (var worker in Candidates(turn).Where(worker => !recovery.Asked.ContainsKey(worker.Key)).ToList())
        {
            turn.Bind(worker.Key);
            turn.Send(worker.Key, new CoordinatorMessage { Join = new JoinGeneration { Scope = turn.Scope } });
            Change(turn, asked => asked with { Asked = asked.Asked.Add(worker.Key, null), Awaited = asked.Awaited.Remove(worker.Key) });
        }

        JobReplacement.TryPlace(turn);
    }

    private static void LoseAbsent(JobTurn turn, WorkerKey absent, string reason) => Begin(turn, new GenerationEnded
    {
        Worker = JobTurn.IdentityOf(absent),
        Reason = $"{absent} was lost {JobEnding.Moment(turn.Record)}: {reason}.",
        End = GenerationEnd.Lost,
        Account = JobReport.AccountOf(turn.Record, turn.Session, absent),
    });

    // Whose end concerns the generation: those with a place, whoever gives a state to one, and before the places are known whoever may hold one.
    public static bool IsMember(JobTurn turn, WorkerKey worker)
    {
        var hasPart = turn.Placement.Of(worker) is not null || turn.Record.Generations.Givers.Contains(worker);
        if (turn.Record.IsJoining)
        {
            var answer = turn.Session.Recovery?.Asked.GetValueOrDefault(worker);
            return (hasPart && !turn.Record.Generations.GivenUp.Contains(worker)) || turn.Session.Recovery?.Awaited.Contains(worker) == true || answer is { States.Count: > 0 };
        }

        return hasPart;
    }
}
