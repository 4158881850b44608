using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A job that ends before its last step with a checkpoint of its newest one: by Ctrl-C, or because too many steps were skipped.</summary>
/// <remarks>
/// The first worker of the generation is told to hold; once the step that it names is committed, replica 0 saves it, and with that checkpoint the job ends. A generation that
/// is lost meanwhile is recovered first, as far as the newest committed step.
/// </remarks>
internal static class JobStopping
{
    public static bool IsStopping(JobRecord record) => record.CancelRequested || record.FailureReason.Length > 0;

    public static void RequestCancel(JobTurn turn)
    {
        // All steps are done: what is left is to write the adapter, which takes less time than to ask for it again.
        if (turn.Record.State == JobState.Finishing || turn.Record.CancelRequested)
        {
            return;
        }

        turn.Raise(new CancelRequested());
        if (turn.Record.State == JobState.Running)
        {
            Hold(turn);
            SaveWhenHeld(turn);
        }
        else if (turn.Record.State == JobState.Recovering)
        {
            // What survivors hold is saved first, on however few of them.
            JobReplacement.TryPlace(turn);
        }
        else
        {
            JobEnding.Cancel(turn);
        }
    }

    /// <summary>Too many steps were skipped: what the job has is saved before it fails.</summary>
    public static void OnCommitted(JobTurn turn)
    {
        // A limit of 0 tolerates no skipped step; a step that was applied never ends a job. One that comes to its end without any has trained nothing.
        var skipped = (ulong)turn.Record.SkippedInARow;
        var most = Math.Min((ulong)turn.Material.Spec.Training.MaxSkippedSteps, turn.Record.StepsPlanned);
        if (skipped == 0 || skipped < most || IsStopping(turn.Record))
        {
            return;
        }

        var advice = skipped == turn.Record.CommittedStep
            ? "it is so from the first step on, so look at the model's weights and config.json, at the data, or at what the adapter begins with."
            : "lower training.learning_rate or look at the data, or raise training.max_skipped_steps.";

        turn.Raise(new FailureDecided
        {
            Reason = $"{skipped} {(skipped == 1 ? "step" : "steps")} in a row, up to step {turn.Record.CommittedStep}, {(skipped == 1 ? "was" : "were")} skipped because a gradient was not finite: {advice}",
        });
        if (turn.Record.State == JobState.Running)
        {
            Hold(turn);
        }
    }

    /// <summary>The first worker gives no further verdict.</summary>
    public static void OnHeld(JobTurn turn, StepsHeld held)
    {
        turn.Session = turn.Session with { HeldAfter = held.Step };
        SaveWhenHeld(turn);
        JobChanges.ChangeIfHeld(turn);
    }

    /// <summary>A generation begins in which no further step is made: its members hold where the job stands.</summary>
    public static void OnTrainingStarted(JobTurn turn)
    {
        if (IsStopping(turn.Record))
        {
            turn.Session = turn.Session with { HeldAfter = turn.Record.CommittedStep };
            SaveWhenHeld(turn);
        }
    }

    /// <summary>Saves the step that the workers hold at, and ends the job with its checkpoint.</summary>
    public static void SaveWhenHeld(JobTurn turn)
    {
        if (turn.Session.HeldAfter is not { } step || !IsStopping(turn.Record) || turn.Record.State != JobState.Running || turn.Record.CommittedStep < step || turn.Session.Repeated is not null)
        {
            return;
        }

        // Nothing was done since the newest checkpoint, or since the start.
        if (step <= turn.Record.LastCheckpoint)
        {
            EndNow(turn);
        }
        else if (!JobCheckpointing.IsPending(turn, step))
        {
            JobCheckpointing.SaveCommitted(turn);
        }
    }

    /// <summary>The first worker gives no further verdict; where committed steps are being repeated, only once that is done.</summary>
    public static void Hold(JobTurn turn)
    {
        // Held before, the workers would stand before a committed step for ever: nobody saves there, and nobody changes there.
        if (turn.Session.Repeated is null)
        {
            // The root of the vote tree: without it nobody acts on a further step.
            turn.Send(turn.Placement.Ranks[0].Worker, new CoordinatorMessage { Hold = new HoldSteps { Scope = turn.Scope } });
        }
    }

    /// <summary>All steps that were committed before have been run again: what waited for that holds now.</summary>
    public static void OnRepeated(JobTurn turn)
    {
        if (turn.Session.HeldAfter is null && (IsStopping(turn.Record) || turn.Session.Change is { IsHolding: true }))
        {
            Hold(turn);
        }
    }

    /// <summary>Ends a job that stops, without another checkpoint.</summary>
    public static void EndNow(JobTurn turn)
    {
        if (turn.Record.FailureReason.Length > 0)
        {
            JobEnding.Fail(turn, turn.Record.FailureReason);
        }
        else
        {
            JobEnding.Cancel(turn);
        }
    }
}
