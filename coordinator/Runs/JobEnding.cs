using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>How a job ends before its time: a failure with its reason, or a cancellation.</summary>
internal static class JobEnding
{
    public static void Fail(JobTurn turn, string reason, string worker = "", bool invalid = false)
    {
        var failed = new JobFailed { Reason = reason, Worker = worker, Invalid = invalid };
        failed.Workers.AddRange(JobReport.Accounts(turn.Record, turn.Session));
        turn.Raise(failed);
        Release(turn);
    }

    /// <summary>Without recovery a lost worker takes the job with it.</summary>
    public static void Lose(JobTurn turn, WorkerLost lost)
    {
        if (turn.Record.Placement?.Of(lost.Key) is not null)
        {
            Fail(turn, $"{lost.Key} was lost {Moment(turn.Record)}: {lost.Reason.TrimEnd('.')}. Recovery from a lost worker is not built yet; start the job again with --overwrite.", lost.Key.WorkerId);
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
