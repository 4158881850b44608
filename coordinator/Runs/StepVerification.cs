using System.Collections.Immutable;
using Google.Protobuf;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Checks the reports of a step against each other and adds up its loss.</summary>
/// <remarks>Pure. The loss is the sum over micro-batches in index order in fp64 over the label tokens: no layout can change it.</remarks>
internal static class StepVerification
{
    /// <param name="step">The step as it was ordered.</param>
    /// <param name="placement">Who is where.</param>
    /// <param name="reports">One of every rank.</param>
    public static StepOutcome Check(Step step, JobPlacement placement, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var first = reports[0];
        foreach (var rank in placement.Ranks)
        {
            var report = reports[rank.Rank];
            if (report.Applied != first.Applied || !SameBits(report.GradNorm, first.GradNorm))
            {
                return StepOutcome.Contradiction($"nondeterminism detected: {placement.Ranks[0].Worker} and {rank.Worker} acted on different verdicts of step {step.Number}.");
            }
        }

        if (Disagreement(step, placement, reports) is { } disagreement)
        {
            return StepOutcome.Contradiction(disagreement);
        }

        var losses = reports.Values.SelectMany(report => report.Losses).OrderBy(loss => loss.MicroBatch).ToList();
        if (!losses.Select(loss => (int)loss.MicroBatch).SequenceEqual(Enumerable.Range(0, step.MicroBatches.Count)))
        {
            return StepOutcome.Contradiction($"The reports of step {step.Number} do not hold each of its {step.MicroBatches.Count} micro-batches exactly once.");
        }

        var labelTokens = losses.Aggregate(0UL, (sum, loss) => sum + loss.LabelTokens);
        if (labelTokens != step.LabelTokens)
        {
            return StepOutcome.Contradiction($"The reports of step {step.Number} count {labelTokens} label tokens where the data has {step.LabelTokens}.");
        }

        ValueList<ByteString> hashes = [.. Enumerable.Range(0, placement.NumStages).Select(stage => reports[stage].StateHash)];
        return first.Applied
            ? new StepOutcome(true, losses.Aggregate(0.0, (sum, loss) => sum + loss.LossSum) / labelTokens, first.GradNorm, hashes, null)
            : new StepOutcome(false, 0, 0, hashes, null);
    }

    private static string? Disagreement(Step step, JobPlacement placement, ImmutableSortedDictionary<int, StepReport> reports)
    {
        foreach (var stage in placement.Ranks.GroupBy(rank => rank.Stage))
        {
            var states = stage.GroupBy(rank => reports[rank.Rank].StateHash).ToList();
            if (states.Count > 1)
            {
                var groups = states.Select(group => string.Join(", ", group.Select(rank => rank.Worker.WorkerId)));
                return $"nondeterminism detected: after step {step.Number} the replicas of stage {stage.Key} hold different states ({string.Join(" against ", groups)}).";
            }
        }

        return null;
    }

    private static bool SameBits(double left, double right) => BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right);
}
