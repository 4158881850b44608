using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>How a job ends before its time: a failure with its reason, or a cancellation.</summary>
internal static class JobEnding
{
    public static void Fail(JobTurn turn, string reason, string worker = "", bool invalid = false)
    {
        var failed = new JobFailed { Reason = reason, Worker = worker, Invalid = invalid, Fault = turn.Fault is not null };
        failed.Workers.AddRange(JobReport.Accounts(turn.Record, turn.Session));
        turn.Raise(failed);
        Release(turn);
    }

    /// <summary>The end by an error of the program, which itself never throws.</summary>
    public static void FailByFault(JobTurn turn, string reason)
    {
        var failed = new JobFailed { Reason = reason, Fault = true };
        try
        {
            failed.Workers.AddRange(JobReport.Accounts(turn.Record, turn.Session));
        }
        catch (Exception)
        {
            // What the accounts are made of may be what is broken: the turn's fault says it already.
            failed.Workers.Clear();
        }

        turn.Raise(failed);
        Release(turn);
    }

    /// <summary>A worker's own failure ends the job, unless it has no part in it yet; that it cannot reach another one ends the generation.</summary>
    public static void OnFailure(JobTurn turn, WorkerKey worker, WorkerFailure told)
    {
        var failure = told.Failure ?? new Failure();
        var reason = $"{worker} failed {Moment(turn.Record)}: {failure.Message}";
        if (JobFinishing.IsSaved(turn))
        {
            // The workers' part is done: the adapter is made without them.
            turn.Note = reason;
        }
        else if (failure.Code == ErrorCode.PeerUnreachable)
        {
            PeerTrouble.OnFailure(turn, reason, told.Peer);
        }
        else if (!JobRecovery.IsMember(turn, worker))
        {
            // A newcomer or a spare that cannot load: the others do without it.
            JobRecovery.GiveUp(turn, worker, reason);
        }
        else
        {
            Fail(turn, reason, worker.WorkerId);
        }
    }

    /// <summary>A worker that cannot start ends a job that waits for workers; one that has its own can do without.</summary>
    public static void Miss(JobTurn turn, FleetUnavailable unavailable)
    {
        if (turn.Record.Placement is null)
        {
            var required = JobLoading.RequiredClass(turn);
            Fail(
                turn,
                required is null ? unavailable.Reason : $"{unavailable.Reason.TrimEnd('.')}; the run needs a worker of numeric class {Placement.NumericClassText.Of(required)}, in which it was computed.",
                invalid: required is not null);
        }
        else if (turn.Record.State == JobState.Recovering && turn.Session.Fleet.Workers.IsEmpty)
        {
            Fail(turn, $"{turn.Record.Reason.TrimEnd('.')}, and no other worker can be had: {unavailable.Reason}");
        }
        else
        {
            turn.Note = $"goes on without a spare worker: {unavailable.Reason.TrimEnd('.')}";
        }
    }

    public static void Cancel(JobTurn turn)
    {
        var cancelled = new JobCancelled { Step = turn.Record.CommittedStep };
        cancelled.Workers.AddRange(JobReport.Accounts(turn.Record, turn.Session));
        turn.Raise(cancelled);
        Release(turn);
    }

    /// <summary>Frees everything of the job on its workers, and ends the entity's work.</summary>
    public static void Release(JobTurn turn)
    {
        // Those that only earlier lives of the coordinator told something hold the job all the same.
        var now = turn.Record.Bound.Where(bound => bound.Fence == turn.Record.Fence).Select(bound => bound.Worker).ToHashSet();
        var holders = turn.Session.Told.Concat(turn.Record.Bound.Select(bound => bound.Worker).Where(worker => !now.Contains(worker))).ToHashSet();
        var ranks = (turn.Record.Placement?.Ranks ?? []).Select(rank => rank.Worker).Where(holders.Contains);
        foreach (var worker in ranks.Concat(holders.OrderBy(worker => worker.WorkerId, StringComparer.Ordinal).ThenBy(worker => worker.Incarnation)).Distinct().ToList())
        {
            turn.Bind(worker);
            turn.Release(worker);
        }

        turn.Do(new JobEffect.End());
    }

    /// <summary>"at step 12" or "while loading", for a sentence.</summary>
    public static string Moment(JobRecord record) => record.State switch
    {
        JobState.Running => $"at step {record.CommittedStep + 1}",
        JobState.Recovering => $"at step {record.CommittedStep + 1}, while recovering",
        JobState.Finishing => $"after step {record.CommittedStep}, while saving",
        JobState.Loading => "before step 1, while loading",
        _ => "before step 1",
    };
}
