using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From the last step to the adapter in the run's folder.</summary>
internal static class JobFinishing
{
    /// <summary>Finishes once the last step is committed and evaluated: the adapter is made of the last step's checkpoint.</summary>
    public static void StartIfDone(JobTurn turn)
    {
        var evaluated = !turn.Record.HasEvaluation || turn.Record.LastEvaluation?.Step == turn.Record.StepsPlanned;
        if (turn.Record.State != JobState.Running || turn.Record.CommittedStep < turn.Record.StepsPlanned || !evaluated || turn.Session.Repeated is not null || turn.Record.FailureReason.Length > 0)
        {
            return;
        }

        turn.Raise(new FinishStarted { Step = turn.Record.CommittedStep });
        if (turn.Record.LastCheckpoint < turn.Record.StepsPlanned && !JobCheckpointing.IsPending(turn, turn.Record.StepsPlanned))
        {
            // Whoever was to save the last step was lost before it had.
            JobCheckpointing.SaveCommitted(turn);
        }

        ExportIfSaved(turn);
    }

    /// <summary>Whether the workers' part is done: the last step's state is durable.</summary>
    public static bool IsSaved(JobTurn turn) => turn.Record.State == JobState.Finishing
        && (turn.Record.LastCheckpoint == turn.Record.StepsPlanned || turn.Session.CheckpointUnderWay == turn.Record.StepsPlanned);

    /// <summary>Writes the adapter, if this is all that is left to do.</summary>
    public static void ExportIfSaved(JobTurn turn)
    {
        if (turn.Record.State == JobState.Finishing && turn.Record.LastCheckpoint == turn.Record.StepsPlanned)
        {
            turn.Do(new JobEffect.Export(JobCheckpointing.Store(turn.Record).Of(turn.Record.LastCheckpoint)));
        }
    }

    public static void Succeed(JobTurn turn, string adapter)
    {
        var succeeded = new JobSucceeded { Adapter = adapter };
        succeeded.Workers.AddRange(JobReport.Accounts(turn.Record, turn.Session));
        turn.Raise(succeeded);
        JobEnding.Release(turn);
    }
}
