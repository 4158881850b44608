namespace Orchestrator.Chaos;

/// <summary>What followed when a job lost workers: until it trained again.</summary>
/// <param name="Losses">Workers lost in it; 0: a connection that was given up.</param>
/// <param name="Time">From the first of their ends, or from the signal that ended it.</param>
/// <param name="StepsRepeated">Steps that were run again.</param>
/// <param name="RolledBack">A state was gone with its mirror, and the checkpoint's was taken.</param>
/// <param name="IsFurther">No step was committed since the recovery before, so that a state may not have had a mirror yet.</param>
internal sealed record RecoveryAccount(int Losses, TimeSpan Time, int StepsRepeated, bool RolledBack, bool IsFurther)
{
    /// <summary>The longest time that a loss may cost on small models.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>The recoveries of a run in their order.</summary>
    public static IReadOnlyList<RecoveryAccount> Of(IReadOnlyList<RunEvent> events, IReadOnlyList<DoneFault> faults)
    {
        var recoveries = new List<RecoveryAccount>();
        var (losses, rolledBack, first, since, before) = (0, false, 0, default(DateTimeOffset), default(RunEvent));
        for (int i = 0; i < events.Count; i++)
        {
            var line = events[i];
            if (IsLoss(line, before))
            {
                (first, since) = losses++ == 0 ? (line.Step, Began(i, events, faults)) : (first, since);
            }
            else if (line.Name == "rollback")
            {
                rolledBack = true;
            }
            else if (line.Name == "recovered")
            {
                recoveries.Add(losses == 0
                    ? new RecoveryAccount(0, TimeSpan.Zero, line.StepsRepeated, rolledBack, before is not null && line.Step <= before.Step)
                    : new RecoveryAccount(losses, line.Time - since, line.StepsRepeated, rolledBack, before is not null && first <= before.Step));
                (losses, rolledBack, before) = (0, false, line);
            }
        }

        return recoveries;
    }

    /// <summary>What the rules of steps do not allow: each loss repeats at most one step, and costs at most so much time.</summary>
    /// <remarks>Losses with no step between them may take a state and its mirror: then the job goes back to its checkpoint and says so.</remarks>
    public static IEnumerable<string> Problems(IReadOnlyList<RecoveryAccount> recoveries)
    {
        for (int i = 0; i < recoveries.Count; i++)
        {
            int length = 1 + recoveries.Skip(i + 1).TakeWhile(further => further.IsFurther).Count();
            var together = recoveries.Skip(i).Take(length).ToList();
            int losses = Math.Max(1, together.Sum(recovery => recovery.Losses)), repeated = together.Sum(recovery => recovery.StepsRepeated);
            if (repeated > losses && !(losses > 1 && together.Exists(recovery => recovery.RolledBack)))
            {
                yield return $"{repeated} steps were repeated after {(losses == 1 ? "one loss" : $"{losses} losses")}";
            }

            i += length - 1;
        }

        foreach (var slow in recoveries.Where(recovery => recovery.Time > Longest * Math.Max(1, recovery.Losses)))
        {
            yield return FormattableString.Invariant($"a recovery from {(slow.Losses == 1 ? "one loss" : $"{slow.Losses} losses")} took {slow.Time.TotalSeconds:F1} s");
        }
    }

    // A planned departure is told with the account of what it cost, or with that of a recovery.
    private static bool IsLoss(RunEvent line, RunEvent? recovered) => line.Name == "lost" || (line is { Name: "leave", LostWorkerSeconds: 0 } && line.Time != recovered?.Time);

    // A kill is not told of before it is noticed, which is part of what it costs.
    private static DateTimeOffset Began(int loss, IReadOnlyList<RunEvent> events, IReadOnlyList<DoneFault> faults)
    {
        var line = events[loss];
        var earlier = events.Take(loss).LastOrDefault(other => other.Worker == line.Worker)?.Time ?? default;
        return faults.Where(done => done.Fault.Kind == FaultKind.Kill && done.Fault.WorkerName == line.Worker && done.Time > earlier && done.Time < line.Time)
            .Select(done => done.Time).DefaultIfEmpty(line.Time).Max();
    }
}
