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

    /// <summary>The account of each rank as of its newest report; empty before the job is placed.</summary>
    public static IEnumerable<WorkerAccount> Accounts(JobRecord record, JobSession session)
    {
        foreach (var rank in record.Placement?.Ranks ?? [])
        {
            var load = session.Loads.GetValueOrDefault(rank.Rank);
            var totals = session.Totals.GetValueOrDefault(rank.Rank) ?? new WorkerTotals { BaseBytesRead = load?.BaseBytesRead ?? 0 };
            yield return new WorkerAccount
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
                PeakMemoryBytes = totals.PeakMemoryBytes,
                Activity = record.State == JobState.Loading ? LoadActivity(load) : "",
            };
        }
    }

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
