using System.Collections.Immutable;
using Google.Protobuf;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Checks the reports of a step against each other and against the step's plan, and adds up its loss.</summary>
/// <remarks>
/// Pure. Every report holds the losses of the whole step, so any one of them accounts for it. The loss is the sum over micro-batches in index order in fp64 over the
/// label tokens: no layout can change it.
/// </remarks>
internal static class StepVerification
{
    /// <param name="step">The step as it was ordered.</param>
    /// <param name="placement">Who is where.</param>
    /// <param name="reports">By rank; of all ranks, or of the survivors.</param>
    public static StepOutcome Check(Step step, JobPlacement placement, ImmutableSortedDictionary<int, StepReport> reports)
    {
        var first = reports.First();
        var problem = reports.Select(report => Contradiction(step, placement, first, report)).FirstOrDefault(found => found is not null)
            ?? Disagreement(step, placement, reports)
            ?? Unaccounted(step, placement, first);
        if (problem is not null)
        {
            return StepOutcome.Contradiction(problem);
        }

        var losses = first.Value.Losses;
        ValueList<ByteString> hashes = [.. Enumerable.Range(0, placement.NumStages).Select(stage => HashOf(stage, placement, reports))];
        return first.Value.Applied
            ? new StepOutcome(true, losses.Aggregate(0.0, (sum, loss) => sum + loss.LossSum) / step.LabelTokens, first.Value.GradNorm, hashes, null)
            : new StepOutcome(false, 0, 0, hashes, null);
    }

    public static bool SameBits(double left, double right) => BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right);

    private static string? Contradiction(Step step, JobPlacement placement, KeyValuePair<int, StepReport> first, KeyValuePair<int, StepReport> other)
    {
        string Both() => $"{placement.Ranks[first.Key].Worker} and {placement.Ranks[other.Key].Worker}";
        if (other.Value.Applied != first.Value.Applied || !SameBits(other.Value.GradNorm, first.Value.GradNorm))
        {
            return $"nondeterminism detected: {Both()} acted on different verdicts of step {step.Number}.";
        }

        if (other.Value.StateHash.Length != StateHashSum.Bytes)
        {
            return $"The report of step {step.Number} by {placement.Ranks[other.Key].Worker} has no state hash of {StateHashSum.Bytes} bytes.";
        }

        return other.Value.Losses.Equals(first.Value.Losses) ? null : $"nondeterminism detected: {Both()} report different losses of step {step.Number}.";
    }

    private static string? Disagreement(Step step, JobPlacement placement, ImmutableSortedDictionary<int, StepReport> reports)
    {
        foreach (var stage in placement.Ranks.Where(rank => reports.ContainsKey(rank.Rank)).GroupBy(rank => rank.Stage))
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

    private static string? Unaccounted(Step step, JobPlacement placement, KeyValuePair<int, StepReport> report)
    {
        var losses = report.Value.Losses;
        if (!losses.Select(loss => (int)loss.MicroBatch).SequenceEqual(Enumerable.Range(0, step.MicroBatches.Count)))
        {
            return $"The reports of step {step.Number} do not hold each of its {step.MicroBatches.Count} micro-batches exactly once.";
        }

        var labelTokens = losses.Aggregate(0UL, (sum, loss) => sum + loss.LabelTokens);
        if (labelTokens != step.LabelTokens)
        {
            return $"The reports of step {step.Number} count {labelTokens} label tokens where the data has {step.LabelTokens}.";
        }

        var other = losses.FirstOrDefault(loss => loss.Samples != SampleHash.Of(step.Number, loss.MicroBatch, step.MicroBatches[(int)loss.MicroBatch].Samples));
        return other is null
            ? null
            : $"Micro-batch {other.MicroBatch} of step {step.Number} was made of other samples than it was ordered with, says {placement.Ranks[report.Key].Worker}: its shard or its memory is damaged.";
    }

    private static ByteString HashOf(int stage, JobPlacement placement, ImmutableSortedDictionary<int, StepReport> reports) =>
        placement.Ranks.FirstOrDefault(rank => rank.Stage == stage && reports.ContainsKey(rank.Rank)) is { } rank ? reports[rank.Rank].StateHash : ByteString.Empty;
}
