using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Planned changes of a job's members: it grows back to its first layout, and lets go who is to leave.</summary>
/// <remarks>
/// <code>
/// Consider -> newcomers load their stage while the others train -> HoldSteps to the first worker -> StepsHeld N, N committed -> GenerationEnded (nothing is repeated)
/// </code>
/// A loss on the way ends the change; it is considered again when the job trains. Where nobody takes a leaving worker's place in time, step N is saved before the generation ends.
/// </remarks>
internal static class JobChanges
{
    /// <summary>How long a leaving worker waits for whoever is to take its place: well below the time that a worker has between SIGTERM and its end.</summary>
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(10);

    /// <summary>A worker's patience begins when the job hears that it is to leave, whatever becomes of its generation and of the newcomers.</summary>
    public static void NoteLeaving(JobTurn turn)
    {
        foreach (var worker in turn.Session.Fleet.Workers.Where(worker => worker.DrainReason is not null && !turn.Session.Leaving.ContainsKey(worker.Key)))
        {
            turn.Session = turn.Session with { Leaving = turn.Session.Leaving.Add(worker.Key, false) };
            turn.Do(new JobEffect.Later(DrainPatience, new JobInput.DrainPatienceOver(worker.Key)));
        }
    }

    /// <summary>Looks whether another set of members is wanted and to be had.</summary>
    public static void Consider(JobTurn turn)
    {
        if (turn.Record.State != JobState.Running || JobStopping.IsStopping(turn.Record) || turn.Session.Material is null)
        {
            return;
        }

        var leaving = Leaving(turn);
        if (leaving is not null && turn.Session.Change is { End: GenerationEnd.Growth, IsHolding: false } growth)
        {
            // Whoever leaves has less time than whoever comes.
            Abandon(turn, growth);
        }

        if (turn.Session.Change is not null || (leaving is null && IsAllDone(turn)))
        {
            return;
        }

        var layout = JobReplacement.Plan(turn, patienceOver: true);
        if (layout.Ranks is { } ranks && (leaving is null ? ranks.Length > turn.Placement.Ranks.Count : !IsTooLate(turn, leaving, ranks)))
        {
            Prepare(turn, leaving, layout, ranks);
        }
        else if (leaving is not null)
        {
            turn.Session = turn.Session with
            {
                Change = new PlannedChange(GenerationEnd.Drained, leaving.Key, Sentence(leaving), ImmutableDictionary<WorkerKey, bool>.Empty, IsHolding: true) { Saves = true },
            };
            JobStopping.Hold(turn);
        }
    }

    private static void Prepare(JobTurn turn, AttachedWorker? leaving, RecoveryLayout layout, ImmutableArray<RankPlacement> ranks)
    {
        var newcomers = ranks.Where(rank => turn.Placement.Of(rank.Worker) is null).ToList();
        turn.Session = turn.Session with
        {
            Change = new PlannedChange(
                leaving is null ? GenerationEnd.Growth : GenerationEnd.Drained,
                leaving?.Key,
                leaving is null ? $"{string.Join(", ", newcomers.Select(rank => rank.Worker))} can take the place that the job lacks." : Sentence(leaving),
                newcomers.ToImmutableDictionary(rank => rank.Worker, _ => false),
                IsHolding: false),
        };
        var placement = turn.Placement with { NumReplicas = layout.NumReplicas, NumStages = layout.NumStages, Ranks = [.. ranks] };
        foreach (var newcomer in newcomers)
        {
            turn.Bind(newcomer.Worker);
            var load = StageSpecs.Load(turn.Material, placement, newcomer, turn.Scope);
            load.Joins = true;
            BaseHolders.Name(load, BaseHolders.Of(turn.Session), newcomer.Worker, turn.Session.Secret);
            turn.Send(newcomer.Worker, new CoordinatorMessage { LoadStage = load });
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

        Abandon(turn, change with { Loading = change.Loading.Remove(worker) });
        Consider(turn);
    }

    /// <summary>The newcomers have not loaded in time: the job holds and saves its step, so that the leaving worker may go.</summary>
    public static void OnDrainPatienceOver(JobTurn turn, JobInput.DrainPatienceOver over)
    {
        turn.Session = turn.Session with { Leaving = turn.Session.Leaving.SetItem(over.Leaving, true) };
        if (turn.Record.State == JobState.Running && turn.Session.Change is { IsHolding: false } change && change.Leaving == over.Leaving)
        {
            turn.Session = turn.Session with { Change = change with { IsHolding = true, Saves = true } };
            JobStopping.Hold(turn);
        }
    }

    /// <summary>Changes the members once the step that the job holds at is committed.</summary>
    public static void ChangeIfHeld(JobTurn turn)
    {
        if (turn.Session.Change is not { IsHolding: true } change || turn.Session.HeldAfter is not { } step || turn.Record.State != JobState.Running
            || turn.Record.CommittedStep < step || turn.Session.Repeated is not null || JobStopping.IsStopping(turn.Record))
        {
            return;
        }

        if (!change.Saves || step <= turn.Record.LastCheckpoint)
        {
            JobRecovery.Begin(turn, new GenerationEnded { End = change.End, Reason = change.Reason, Worker = change.Leaving is { } leaving ? JobTurn.IdentityOf(leaving) : null });
        }
        else if (!JobCheckpointing.IsPending(turn, step))
        {
            JobCheckpointing.SaveCommitted(turn);
        }
    }

    // Those that load for it are free for the next one.
    private static void Abandon(JobTurn turn, PlannedChange change)
    {
        foreach (var newcomer in change.Loading.Keys.OrderBy(newcomer => newcomer.WorkerId, StringComparer.Ordinal))
        {
            turn.Release(newcomer);
        }

        turn.Session = turn.Session with { Change = null };
    }

    private static string Sentence(AttachedWorker leaving) => $"{leaving.Key} leaves: {leaving.DrainReason!.TrimEnd('.')}.";

    private static bool IsAllDone(JobTurn turn) => turn.Record.CommittedStep == turn.Record.StepsPlanned;

    private static AttachedWorker? Leaving(JobTurn turn) => turn.Session.Fleet.Workers.FirstOrDefault(worker => worker.DrainReason is not null && turn.Placement.Of(worker.Key) is not null);

    // Somebody would have to load, and the leaving worker has waited long enough.
    private static bool IsTooLate(JobTurn turn, AttachedWorker leaving, ImmutableArray<RankPlacement> ranks) =>
        turn.Session.Leaving.GetValueOrDefault(leaving.Key) && ranks.Any(rank => turn.Placement.Of(rank.Worker) is null);

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
