using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>How a job ends before its time: a failure with its reason, or a cancellation.</summary>
internal static class JobEnding
{
    /// <summary>Well above a worker's lease: by then the other worker's loss has been told.</summary>
    private static readonly TimeSpan PeerLossTimeout = TimeSpan.FromSeconds(15);

    public static void Fail(JobTurn turn, string reason, string worker = "", bool invalid = false, WorkerEnd workerEnd = WorkerEnd.Unspecified)
    {
        var failed = new JobFailed { Reason = reason, Worker = worker, Invalid = invalid, WorkerEnd = workerEnd, Fault = turn.Fault is not null };
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

    /// <summary>A worker's own failure ends the job; that it cannot reach another one does so only if that one turns out not to be lost.</summary>
    public static void OnFailure(JobTurn turn, WorkerKey worker, Failure failure)
    {
        var reason = $"{worker} failed {Moment(turn.Record)}: {failure.Message}";
        if (failure.Code == ErrorCode.PeerUnreachable)
        {
            turn.Note = reason;
            turn.Do(new JobEffect.Later(PeerLossTimeout, new JobInput.PeerFailureStands(reason, worker.WorkerId)));
        }
        else
        {
            Fail(turn, reason, worker.WorkerId);
        }
    }

    /// <summary>Without recovery a lost worker takes the job with it.</summary>
    public static void Lose(JobTurn turn, WorkerLost lost)
    {
        if (turn.Record.Placement?.Of(lost.Key) is not null)
        {
            Fail(
                turn,
                $"{lost.Key} {lost.Verb} {Moment(turn.Record)}: {lost.Reason.TrimEnd('.')}; recovery is not built yet, so the job has failed: go on from its last checkpoint with --resume.",
                lost.Key.WorkerId,
                workerEnd: lost.Left ? WorkerEnd.Left : WorkerEnd.Lost);
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
        else
        {
            turn.Note = $"goes on without a spare worker: {unavailable.Reason.TrimEnd('.')}";
        }
    }

    public static void RequestCancel(JobTurn turn)
    {
        // All steps are done: what is left is to write the adapter, which takes less time than to ask for it again.
        if (turn.Record.State == JobState.Finishing || turn.Record.CancelRequested)
        {
            return;
        }

        turn.Raise(new CancelRequested());
        if (turn.Record.State != JobState.Running)
        {
            Cancel(turn);
            return;
        }

        // The root of the vote tree: without it nobody acts on a further step.
        turn.Send(turn.Placement.Ranks[0].Worker, new CoordinatorMessage { Hold = new HoldSteps { Scope = turn.Scope } });
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
        if (turn.Record.Placement is not null)
        {
            turn.SendToAll(() => new CoordinatorMessage { Release = new ReleaseJob { Scope = turn.Scope } });
        }

        turn.Do(new JobEffect.End());
    }

    /// <summary>"at step 12" or "while loading", for a sentence.</summary>
    public static string Moment(JobRecord record) => record.State switch
    {
        JobState.Running => $"at step {record.CommittedStep + 1}",
        JobState.Finishing => $"after step {record.CommittedStep}, while saving",
        JobState.Loading => "before step 1, while loading",
        _ => "before step 1",
    };
}
