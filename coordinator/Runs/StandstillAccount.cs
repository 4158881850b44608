namespace Orchestrator.Coordinator.Runs;

/// <summary>What a change of generation cost: told with the event that ends it.</summary>
internal static class StandstillAccount
{
    /// <summary>The event that training begins, or goes on, with the account.</summary>
    public static TrainingStarted Closed(JobTurn turn)
    {
        var (generations, placement) = (turn.Record.Generations, turn.Placement);
        var started = new TrainingStarted { Generation = placement.Generation };
        if (generations.EndedAt is { } since)
        {
            started.Recovered = generations.IsUnplanned;
            started.LostWorkerSeconds = Places(generations, placement) * ((turn.Now - since.ToDateTimeOffset()).TotalSeconds + generations.SilentSeconds);
            started.StepsRepeated = generations.StepsRepeated;
            started.Reason = string.Join(' ', generations.Reasons);
            started.Left.AddRange(Drained(turn));
        }

        if (generations.Placements > 1 && generations.Trained.Count > 0)
        {
            started.Joined.AddRange(placement.Ranks.Where(rank => !generations.Trained.Contains(rank.Worker)).Select(rank => rank.Worker.WorkerId));
        }

        if (placement.Ranks.Count > generations.Trained.Count && started.Joined.Count > 0)
        {
            started.MissingWorkerSeconds = generations.MissingWorkerSeconds;
        }

        return started;
    }

    // All that had a place stood still, whoever was lost among them; before any training, those that have one now.
    private static int Places(GenerationRecord generations, JobPlacement placement) => generations.Trained.Count > 0 ? generations.Trained.Count : placement.Ranks.Count;

    private static IEnumerable<LeftWorker> Drained(JobTurn turn) =>
        from member in turn.Record.Generations.Trained
        join worker in turn.Session.Fleet.Workers on member equals worker.Key
        where worker.DrainReason is not null && turn.Placement.Of(member) is null
        select new LeftWorker { Worker = member.WorkerId, Reason = worker.DrainReason };
}
