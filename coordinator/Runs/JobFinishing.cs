using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From the last step to the adapter in the run's folder.</summary>
internal static class JobFinishing
{
    /// <summary>Asks for the state once the last step is committed and evaluated.</summary>
    public static void StartIfDone(JobTurn turn)
    {
        var evaluated = !turn.Record.HasEvaluation || turn.Record.LastEvaluation?.Step == turn.Record.StepsPlanned;
        if (turn.Record.State != JobState.Running || turn.Record.CommittedStep < turn.Record.StepsPlanned || !evaluated)
        {
            return;
        }

        turn.Raise(new FinishStarted { Step = turn.Record.CommittedStep });
        foreach (var rank in turn.Placement.Ranks.Where(rank => rank.Replica == 0))
        {
            turn.Send(rank.Worker, new CoordinatorMessage
            {
                SaveState = new SaveState { Scope = turn.Scope, Step = turn.Record.CommittedStep, Folder = turn.Session.StateFolder },
            });
        }
    }

    public static void OnSaved(JobTurn turn, RankPlacement rank, StateSaved saved)
    {
        if (turn.Record.State != JobState.Finishing || saved.Step != turn.Record.CommittedStep || turn.Session.Saved.ContainsKey(rank.Stage))
        {
            turn.DropStale($"state of step {saved.Step} of {rank.Worker}");
            return;
        }

        turn.Session = turn.Session with { Saved = turn.Session.Saved.Add(rank.Stage, saved) };
        if (turn.Session.Saved.Count == turn.Placement.NumStages)
        {
            turn.Do(new JobEffect.Export([.. turn.Session.Saved.Values]));
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
