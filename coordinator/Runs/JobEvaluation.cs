using System.Collections.Immutable;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Evaluations from the workers' reports.</summary>
/// <remarks>Every rank reports every sample, in parts. An evaluation is complete when one rank's parts cover the split; the others' must say the same.</remarks>
internal static class JobEvaluation
{
    public static void OnReport(JobTurn turn, RankPlacement rank, EvaluationReport report)
    {
        var known = turn.Session.Evaluations.GetValueOrDefault(report.Step, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport>.Empty);
        var part = (rank.Rank, report.Losses.Count > 0 ? report.Losses[0].Sample : uint.MaxValue);
        if (known.TryGetValue(part, out var earlier))
        {
            JobStepping.RefuseUnlessEqual(turn, rank, earlier.Losses.Equals(report.Losses), $"the evaluation after step {report.Step}");
            return;
        }

        if (turn.Record.LastEvaluation is { } last && report.Step < last.Step)
        {
            turn.DropStale($"evaluation after step {report.Step} of {rank.Worker}");
            return;
        }

        known = known.Add(part, report);
        turn.Session = turn.Session with { Evaluations = turn.Session.Evaluations.SetItem(report.Step, known) };
        if (IsWhole(turn, known, rank.Rank))
        {
            Complete(turn, report.Step, known.Values);
        }
    }

    /// <summary>An evaluation is published after its step, also when another worker's report of the step is late.</summary>
    public static void OnCommitted(JobTurn turn)
    {
        var step = turn.Record.CommittedStep;
        if (!turn.Record.HasEnded && turn.Session.Evaluations.TryGetValue(step, out var known) && known.Keys.Select(part => part.Rank).Distinct().Any(rank => IsWhole(turn, known, rank)))
        {
            Complete(turn, step, known.Values);
        }
    }

    private static int ExpectedSamples(JobTurn turn) => turn.Material.Steps.Evaluation.Sum(microBatch => microBatch.Samples.Count);

    private static bool IsWhole(JobTurn turn, ImmutableSortedDictionary<(int Rank, uint First), EvaluationReport> known, int rank) =>
        known.Where(part => part.Key.Rank == rank).Sum(part => part.Value.Losses.Count) >= ExpectedSamples(turn);

    private static void Complete(JobTurn turn, ulong step, IEnumerable<EvaluationReport> reports)
    {
        var (loss, labelTokens, problem) = EvaluationLoss.Combine(reports, ExpectedSamples(turn));
        if (problem is not null)
        {
            JobEnding.Fail(turn, $"{problem} (evaluation after step {step})");
            return;
        }

        if (loss is not { } value || step > turn.Record.CommittedStep)
        {
            return;
        }

        if (turn.Record.LastEvaluation is { } last && last.Step == step)
        {
            if (!StepVerification.SameBits(last.Loss, value) || last.LabelTokens != labelTokens)
            {
                JobEnding.Fail(turn, $"nondeterminism detected: the evaluation after step {step} came to another loss when it was made again in generation {turn.Placement.Generation}.");
            }

            return;
        }

        turn.Raise(new StepEvaluated { Step = step, Loss = value, LabelTokens = labelTokens });
        if (step == 0 && !double.IsFinite(value))
        {
            JobEnding.Fail(turn, "The evaluation before step 1 came to no finite loss: the model computes none, so look at its weights and config.json, or at what the adapter begins with.");
            return;
        }

        // The newest stays to compare others' reports with; those of older steps are dropped as stale.
        turn.Session = turn.Session with { Evaluations = turn.Session.Evaluations.RemoveRange(turn.Session.Evaluations.Keys.Where(older => older < step)) };
        JobFinishing.StartIfDone(turn);
    }
}
