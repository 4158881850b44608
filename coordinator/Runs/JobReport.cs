using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A job as its users see it.</summary>
internal static class JobReport
{
    public static JobStatus Status(JobRecord record, JobSession session)
    {
        var status = new JobStatus { Job = session.Job, State = record.State };
        if (!record.IsSubmitted)
        {
            return status;
        }

        status.Reason = !record.HasEnded && session.Progress.Length > 0 ? session.Progress : record.Reason;
        status.Step = record.CommittedStep;
        status.StepsPlanned = record.StepsPlanned;
        status.ResumedStep = record.ResumedStep;
        status.Adapter = record.Adapter;
        status.Output = record.Output;
        status.Invalid = record.IsInvalid;
        status.Fault = record.IsFault;
        status.Time = record.Time;
        if (record is { HasEnded: false, LastStep: null } && session.Material is { } material)
        {
            status.Preflight.AddRange(material.Preflight);
            status.Preflight.AddRange(record.Resume is { } resume ? ResumeDecision.Lines(resume, record.StepsPlanned) : []);
        }

        if (!record.HasEnded && session.Material?.Spec.AllowClassChange == false)
        {
            status.RequiredClass = record.Resume?.Checkpoint?.NumericClass;
        }

        AddTraining(status, record);
        AddEvaluation(status, record);
        status.Workers.AddRange(record.HasEnded ? record.FinalAccounts : Accounts(record, session));
        return status;
    }

    /// <summary>The account of each rank as of its newest report, then of workers that have no place any more; empty before the job is placed.</summary>
    /// <remarks>A worker's lives are one account, in its newest place.</remarks>
    public static IEnumerable<WorkerAccount> Accounts(JobRecord record, JobSession session)
    {
        var placed = (record.Placement?.Ranks ?? []).Where(rank => !record.IsJoining || !IsGone(record, rank)).ToList();
        var gone = record.Generations.GoneAccounts.ToLookup(account => account.Worker, StringComparer.Ordinal);
        foreach (var rank in placed)
        {
            var account = AccountOf(rank, session);
            account.Activity = ActivityOf(record, session, rank.Worker);
            yield return gone[account.Worker].Aggregate(account, Sum);
        }

        var shown = placed.Select(rank => rank.Worker.WorkerId).ToHashSet(StringComparer.Ordinal);
        var idle = session.Places.Where(place => !shown.Contains(place.Key.WorkerId) && record.Placement?.Of(place.Key) is null).Select(place => AccountOf(place.Value, session));
        foreach (var lives in record.Generations.GoneAccounts.Where(account => !shown.Contains(account.Worker)).Concat(idle).GroupBy(account => account.Worker, StringComparer.Ordinal).OrderBy(lives => lives.Key, StringComparer.Ordinal))
        {
            yield return lives.Skip(1).Aggregate(lives.First().Clone(), Sum);
        }
    }

    /// <summary>The account of one life of a worker; null: it never had a place.</summary>
    public static WorkerAccount? AccountOf(JobRecord record, JobSession session, WorkerKey worker) =>
        (session.Places.GetValueOrDefault(worker) ?? record.Placement?.Of(worker)) is { } place ? AccountOf(place, session) : null;

    private static WorkerAccount AccountOf(RankPlacement rank, JobSession session)
    {
        var load = session.Loads.GetValueOrDefault(rank.Worker);
        var totals = session.Totals.GetValueOrDefault(rank.Worker) ?? new WorkerTotals { BaseBytesRead = load?.BaseBytesRead ?? 0, BaseBytesCached = load?.BaseBytesCached ?? 0, BaseBytesReceived = load?.BaseBytesReceived ?? 0 };
        return new WorkerAccount
        {
            Worker = rank.Worker.WorkerId,
            Replica = (uint)rank.Replica,
            Stage = (uint)rank.Stage,
            FirstLayer = (uint)rank.FirstLayer,
            LastLayer = (uint)rank.LastLayer,
            MicroBatchesRun = totals.MicroBatchesRun,
            MicroBatchesRepeated = totals.MicroBatchesRepeated,
            BytesSent = totals.BytesSent,
            BytesReceived = totals.BytesReceived,
            GradientBytesReceived = totals.GradientBytesReceived,
            BaseBytesRead = totals.BaseBytesRead,
            BaseBytesCached = totals.BaseBytesCached,
            BaseBytesReceived = totals.BaseBytesReceived,
            PeakMemoryBytes = totals.PeakMemoryBytes,
        };
    }

    private static WorkerAccount Sum(WorkerAccount account, WorkerAccount earlier)
    {
        account.MicroBatchesRun += earlier.MicroBatchesRun;
        account.MicroBatchesRepeated += earlier.MicroBatchesRepeated;
        account.BytesSent += earlier.BytesSent;
        account.BytesReceived += earlier.BytesReceived;
        account.GradientBytesReceived += earlier.GradientBytesReceived;
        account.BaseBytesRead += earlier.BaseBytesRead;
        account.BaseBytesCached += earlier.BaseBytesCached;
        account.BaseBytesReceived += earlier.BaseBytesReceived;
        account.PeakMemoryBytes = Math.Max(account.PeakMemoryBytes, earlier.PeakMemoryBytes);
        return account;
    }

    // A place whose worker is lost stays in the placement until the next one.
    private static bool IsGone(JobRecord record, RankPlacement rank) => record.Generations.GoneLives.Contains(rank.Worker);

    private static string ActivityOf(JobRecord record, JobSession session, WorkerKey worker) => record.State switch
    {
        JobState.Recovering when record.IsJoining => session.Recovery?.Asked.GetValueOrDefault(worker) is null ? "is asked for its state" : "has said its state",
        JobState.Loading or JobState.Recovering => LoadActivity(session.Loads.GetValueOrDefault(worker)),
        _ => "",
    };

    private static string LoadActivity(StageLoadReport? load) => load switch
    {
        null => "loading",
        { Done: true } => "loaded",
        _ => $"loading: {load.LayersLoaded} layers",
    };

    private static void AddTraining(JobStatus status, JobRecord record)
    {
        if (record.LastStep is not { } step)
        {
            return;
        }

        status.Loss = step.Loss;
        status.GradNorm = step.GradNorm;
        status.LearningRate = step.LearningRate;
        status.Skipped = !step.Applied;
        if (record.SecondsTrained > 0)
        {
            status.TokensPerSecond = record.TokensTrained / record.SecondsTrained;
            status.EtaSeconds = record.HasEnded ? 0 : (record.StepsPlanned - step.Step) * (record.SecondsTrained / step.Step);
        }
    }

    private static void AddEvaluation(JobStatus status, JobRecord record)
    {
        if (record.FirstEvaluation is { Step: 0 } first)
        {
            status.EvalLossBefore = first.Loss;
        }

        if (record.LastEvaluation is { } last)
        {
            status.EvalLoss = last.Loss;
            if (last.Step == record.StepsPlanned)
            {
                status.EvalLossAfter = last.Loss;
            }
        }
    }
}
