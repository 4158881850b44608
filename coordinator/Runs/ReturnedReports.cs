using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Reports of a lone worker's life that has ended, which its next life brings: they count as if they had come in time.</summary>
/// <remarks>Once: what was heard before is compared, what is committed is dropped.</remarks>
internal static class ReturnedReports
{
    public static void Take(JobTurn turn, WorkerKey teller, PendingReports? reports)
    {
        // Evaluations first: each is published with its step.
        foreach (var evaluation in reports?.Evaluations ?? [])
        {
            if (RankOf(turn, teller, evaluation.Scope, evaluation.Worker) is { } rank)
            {
                JobEvaluation.OnReport(turn, rank, evaluation);
            }
        }

        foreach (var step in reports?.Steps ?? [])
        {
            if (RankOf(turn, teller, step.Scope, step.Worker) is { } rank)
            {
                JobStepping.OnStep(turn, rank, step);
            }
        }
    }

    // The place that the earlier life had in the generation that has ended; null: the report is of an older one, or the job has ended by another report.
    private static RankPlacement? RankOf(JobTurn turn, WorkerKey teller, JobScope? scope, WorkerIdentity? worker) =>
        !turn.Record.HasEnded && scope?.Generation == turn.Record.Generations.Placed && worker?.WorkerId == teller.WorkerId ? turn.Placement.Of(WorkerKey.Of(worker)) : null;
}
