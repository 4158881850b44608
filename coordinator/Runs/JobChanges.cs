using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Planned changes of a job's members: it grows back to its first layout, and lets go who is to leave.</summary>
/// <remarks>
/// <code>
/// Consider -> newcomers load their stage while the others train -> HoldSteps to the first worker -> StepsHeld N, N committed -> GenerationEnded (nothing is repeated)
/// </code>
/// A loss on the way ends the change; it is considered again when the job trains.
/// </remarks>
internal static class JobChanges
{
    /// <summary>Looks whether another set of members is wanted and to be had.</summary>
    public static void Consider(JobTurn turn)
    {
        if (turn.Record.State != JobState.Running || turn.Session.Change is not null || JobStopping.IsStopping(turn.Record) || turn.Session.Material is null)
        {
            return;
        }

        var leaving = Leaving(turn);
        if (leaving is null && IsAllDone(turn))
        {
            return;
        }

        var layout = JobReplacement.Plan(turn, patienceOver: true);
        if (layout.Ranks is not { } ranks || (leaving is null && ranks.Length <= turn.Placement.Ranks.Count))
        {
            return;
        }

        var newcomers = ranks.Where(rank => turn.Placement.Of(rank.Worker) is null).ToList();
        turn.Session = turn.Session with
        {
            Change = new PlannedChange(
                leaving is null ? GenerationEnd.Growth : GenerationEnd.Drained,
                leaving?.Key,
                leaving is null ? $"{string.Join(", ", newcomers.Select(rank => rank.Worker))} can take the place that the job lacks." : $"{leaving.Key} leaves: {leaving.DrainReason!.TrimEnd('.')}.",
                newcomers.ToImmutableDictionary(rank => rank.Worker, _ => false),
                IsHolding: false),
        };
        var placement = turn.Placement with { NumReplicas = layout.NumReplicas, NumStages = layout.NumStages, Ranks = [.. ranks] };
        foreach (var newcomer in newcomers)
        {
            turn.Bind(newcomer.Worker);
            turn.Send(newcomer.Worker, new CoordinatorMessage { LoadStage = StageSpecs.Load(turn.Material, placement, newcomer, turn.Scope) });
        }

        HoldIfLoaded(turn);
    }

    public static void OnLoad(JobTurn turn, WorkerKey worker, StageLoadReport report)
    {
        if (report.Done && turn.Session.Change is { } change && change.Loading.ContainsKey(worker))
        {
            turn.Session = turn.Session with { Change = change with { Loading = change.Loading.SetItem(worker, true) } };
            HoldIfLoaded(turn);
        }
    }

    /// <summary>A worker without a place is gone: a change that counted on it is considered anew, unless the job holds already.</summary>
    public static void OnLost(JobTurn turn, WorkerKey worker)
    {
        if (turn.Session.Change is not { IsHolding: false } change || !change.Loading.ContainsKey(worker))
        {
            return;
        }

        foreach (var other in change.Loading.Keys.Where(other => other != worker).OrderBy(other => other.WorkerId, StringComparer.Ordinal))
        {
            turn.Release(other);
        }

        turn.Session = turn.Session with { Change = null };
        Consider(turn);
    }

    /// <summary>Changes the members once the step that the job holds at is committed, or has been run again: committed steps behind it are left to the next generation.</summary>
    public static void ChangeIfHeld(JobTurn turn)
    {
        if (turn.Session.Change is { IsHolding: true } change && turn.Session.HeldAfter is { } step && turn.Record.State == JobState.Running
            && (turn.Session.Repeated ?? turn.Record.CommittedStep) >= step && (step < turn.Record.CommittedStep || !JobStopping.IsStopping(turn.Record)))
        {
            JobRecovery.Begin(turn, new GenerationEnded { End = change.End, Reason = change.Reason, Worker = change.Leaving is { } leaving ? JobTurn.IdentityOf(leaving) : null });
        }
    }

    private static bool IsAllDone(JobTurn turn) => turn.Record.CommittedStep == turn.Record.StepsPlanned;

    private static AttachedWorker? Leaving(JobTurn turn) => turn.Session.Fleet.Workers.FirstOrDefault(worker => worker.DrainReason is not null && turn.Placement.Of(worker.Key) is not null);

    private static void HoldIfLoaded(JobTurn turn)
    {
        if (turn.Session.Change is { End: GenerationEnd.Growth, IsHolding: false } && IsAllDone(turn))
        {
            // It came too late: whoever has loaded is released with the others.
            turn.Session = turn.Session with { Change = null };
        }
        else if (turn.Session.Change is { IsHolding: false } change && change.Loading.Values.All(loaded => loaded))
        {
            turn.Session = turn.Session with { Change = change with { IsHolding = true } };
            JobStopping.Hold(turn);
        }
    }
}
