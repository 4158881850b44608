using System.Collections.Immutable;
using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From the answers of everybody who may be in a generation to its placement: the agreed step, the layout, and who gives which state to whom.</summary>
internal static class JobReplacement
{
    /// <summary>How long another life of a lost worker is waited for before the job goes on with fewer stages: a little above what a worker takes to start.</summary>
    private static readonly TimeSpan LifePatience = TimeSpan.FromSeconds(4);

    /// <summary>The same where that life has the newest state: a little above the longest pause before a start, too.</summary>
    private static readonly TimeSpan FilePatience = TimeSpan.FromSeconds(6);

    /// <summary>The same where nothing else is left to do before the job stops; whoever cannot wait ends the program.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(20);

    /// <summary>Places the generation if everybody has answered and there is a layout; else says what it waits for.</summary>
    public static void TryPlace(JobTurn turn)
    {
        // A checkpoint that is being written makes the older one go, from which a generation might load.
        if (turn.Record.HasEnded || !turn.Record.IsJoining || turn.Session.Material is null || turn.Session.Recovery is not { IsWhole: true } recovery || turn.Session.CheckpointUnderWay is not null)
        {
            return;
        }

        var holders = recovery.Asked.OrderBy(asked => asked.Key.WorkerId, StringComparer.Ordinal).Select(asked => new StateHolder(asked.Key, [.. asked.Value!.States])).ToList();
        if (StateContradiction.Find(holders, recovery.Asked.Values.SelectMany(answer => answer!.Verdicts)) is { } problem)
        {
            JobEnding.Fail(turn, problem);
            return;
        }

        var agreed = AgreedStep.Of(turn.AdaptedLayers, holders, turn.Record.LastCheckpoint, JobStepping.LastAccountable(turn));
        var layout = LayoutFor(turn, recovery, agreed);
        if (AwaitedFile(turn, recovery, agreed) is { } file)
        {
            Wait(turn, recovery, layout with { Waits = true, Reason = file.Sentence }, file.Patience);
        }
        else if (layout.Ranks is { } ranks)
        {
            JobStepping.CommitUpTo(turn, agreed);
            if (!turn.Record.HasEnded && turn.Session.CheckpointUnderWay is null)
            {
                Place(turn, agreed, layout, ranks, holders);
            }
        }
        else if (JobStopping.IsStopping(turn.Record))
        {
            // Nobody is left who could save anything.
            JobStopping.EndNow(turn);
        }
        else
        {
            Wait(turn, recovery, layout, LifePatience);
        }
    }

    /// <summary>The layout for the workers that are attached now.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="patienceOver">Whether another worker was waited for long enough.</param>
    /// <param name="withLeaving">Whether those count that are to leave.</param>
    public static RecoveryLayout Plan(JobTurn turn, bool patienceOver, bool withLeaving = false)
    {
        var workers = JobRecovery.Candidates(turn).Where(worker => worker.DrainReason is null || withLeaving).ToList();
        var candidates = workers.Select(worker => new RecoveryCandidate(worker.Key, turn.Placement.Of(worker.Key)))
            .OrderBy(candidate => candidate.Place?.Rank ?? int.MaxValue).ToList();
        return RecoveryLayout.Plan(turn.Record.Generations.Target!, candidates, MayCome(turn), patienceOver);
    }

    // A job that stops takes whoever is there: all it still does is to save. So does one whose newest state only workers have that are to leave.
    private static RecoveryLayout LayoutFor(JobTurn turn, RecoveryAnswers recovery, ulong agreed)
    {
        var stops = JobStopping.IsStopping(turn.Record);
        var layout = Plan(turn, recovery.HasWaited(LifePatience, turn.Now) || stops, stops);
        return layout is { Ranks: null, Waits: false } && agreed > turn.Record.LastCheckpoint ? Plan(turn, patienceOver: true, withLeaving: true) : layout;
    }

    // A worker that was alone in the job has left its states in a file, which none but its next life can read. Null: there is nothing to wait for.
    private static (string Sentence, TimeSpan Patience)? AwaitedFile(JobTurn turn, RecoveryAnswers recovery, ulong agreed)
    {
        var patience = JobStopping.IsStopping(turn.Record) ? StopPatience : FilePatience;
        if (!IsFileNeeded(turn, recovery, agreed) || recovery.HasWaited(patience, turn.Now) || !turn.Material.Spec.Mirrors || turn.Record.Generations.Trained is not [var lone] || !MayCome(turn))
        {
            return null;
        }

        // Whichever of its lives was the last one: the file is the worker's.
        return turn.Session.Fleet.Workers.Any(worker => worker.Key.WorkerId == lone.WorkerId) ? null : ($"The job waits for another life of {lone}, which has the newest state in a file.", patience);
    }

    private static bool IsFileNeeded(JobTurn turn, RecoveryAnswers recovery, ulong agreed)
    {
        if (JobStopping.IsStopping(turn.Record))
        {
            // Where nobody is left, nobody else can save the newest step.
            return recovery.Asked.IsEmpty && agreed < turn.Record.CommittedStep;
        }

        // One step is rather run again than waited for; where nobody is left, somebody is waited for anyway.
        return !recovery.Asked.IsEmpty && agreed + 1 < turn.Record.CommittedStep;
    }

    private static bool MayCome(JobTurn turn) => turn.Session.MaxWorkers is not { } most || turn.Session.Fleet.Workers.Length < most;

    private static void Wait(JobTurn turn, RecoveryAnswers recovery, RecoveryLayout layout, TimeSpan patience)
    {
        if (!layout.Waits)
        {
            ReleaseLeaving(turn);
        }
        else
        {
            // Each time anew, in the place of the one before: what is waited for may be another one by now, with another patience.
            var since = recovery.WaitsSince ?? turn.Now;
            turn.Do(new JobEffect.Later(since + patience - turn.Now, new JobInput.LifePatienceOver(turn.Record.Generations.Number)));
            JobRecovery.Change(turn, waiting => waiting with { WaitsSince = since });
        }

        var reason = $"{turn.Record.Generations.Reasons[^1]} {layout.Reason}";
        if (!string.Equals(reason, turn.Record.Reason, StringComparison.Ordinal))
        {
            turn.Raise(new JobWaits { Reason = reason });
        }
    }

    // What they hold is in the checkpoint: nothing keeps them. They answer for nothing from here on.
    private static void ReleaseLeaving(JobTurn turn)
    {
        foreach (var worker in JobRecovery.Candidates(turn).Where(worker => worker.DrainReason is not null && turn.Session.Told.Contains(worker.Key)).Select(worker => worker.Key).ToList())
        {
            turn.Release(worker);
            JobRecovery.Change(turn, recovery => recovery with { Asked = recovery.Asked.SetItem(worker, new GenerationJoined { Scope = turn.Scope, ActedStep = recovery.Asked.GetValueOrDefault(worker)?.ActedStep ?? 0 }) });
        }
    }

    private static void Place(JobTurn turn, ulong agreed, RecoveryLayout layout, ImmutableArray<RankPlacement> ranks, List<StateHolder> holders)
    {
        var answers = turn.Session.Recovery!.Asked;
        var (before, record) = (turn.Placement, turn.Record);
        // What a generation that trained was to run again and did not is counted already.
        var run = record.Generations.Reasons.Count == 1 ? turn.Session.Repeated ?? record.CommittedStep : record.CommittedStep;
        var reached = Math.Max(run, answers.Values.Select(answer => answer!.ActedStep).DefaultIfEmpty().Max());
        var transfers = TransferPlan.Of(agreed, turn.AdaptedLayers, ranks, holders);
        var placed = new JobPlaced
        {
            Generation = record.Generations.Number,
            NumericClass = before.Class,
            ComputeDtype = before.ComputeDtype,
            NumReplicas = (uint)layout.NumReplicas,
            NumStages = (uint)layout.NumStages,
            FromStep = agreed,
            StepsRepeated = reached - agreed,
            Rollback = reached > agreed && !transfers.FromCheckpoint.IsEmpty ? RollbackSentence(agreed, reached, record.Checkpoint is null) : "",
        };
        placed.Stages.AddRange(ranks.Select(rank => JobLoading.StageOf(rank)));
        placed.Transfers.AddRange(transfers.Transfers);
        placed.Givers.AddRange(transfers.Givers.Select(JobTurn.IdentityOf));
        placed.Verdicts.AddRange(BindingVerdicts.After(agreed, record.Generations.Verdicts, answers, turn.Session.Reports, before));
        turn.Raise(placed);
        turn.Session = turn.Session with
        {
            Recovery = null,
            StateHash = KnownHash(turn, agreed, holders),
            Earlier = EarlierAfter(agreed, turn.Session, before),
            Repeated = agreed < record.CommittedStep ? agreed : null,
            Reports = turn.Session.Reports.Clear(),
            OpenSteps = turn.Session.OpenSteps.Clear(),
            Evaluations = turn.Session.Evaluations.Clear(),
            SaveAsked = null,
        };
        JobLoading.Load(turn, rank => transfers.FromCheckpoint.Contains(rank.Rank));
        JobLoading.PublishPlan(turn);
    }

    private static string RollbackSentence(ulong agreed, ulong reached, bool isStart) => isStart
        ? $"No worker has the state of every layer after a later step, and there is no checkpoint yet: {Steps(agreed, reached)} run again from the start."
        : $"No worker has the state of every layer after a later step: {Steps(agreed, reached)} run again from the checkpoint of step {agreed}.";

    private static string Steps(ulong agreed, ulong reached) => agreed + 1 == reached ? $"step {reached} is" : $"steps {agreed + 1} to {reached} are";

    private static ByteString KnownHash(JobTurn turn, ulong agreed, List<StateHolder> holders) => turn.Record.Ledger[agreed]?.StateHash is { IsEmpty: false } committed
        ? committed
        : StateHashSum.Of(holders, agreed, turn.Record.Generations.Target!.NumLayers);

    private static ImmutableSortedDictionary<ulong, ImmutableList<EarlierReport>> EarlierAfter(ulong agreed, JobSession session, JobPlacement before) => session.Reports
        .Where(step => step.Key > agreed)
        .Aggregate(
            session.Earlier.RemoveRange(session.Earlier.Keys.Where(step => step <= agreed)),
            (earlier, step) => earlier.SetItem(step.Key, [.. earlier.GetValueOrDefault(step.Key) ?? [], .. step.Value.Select(report => new EarlierReport(before.Ranks[report.Key], report.Value))]));
}
