using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>What the steps of a job have in common: the fewest and the most micro-batches of one, and a bound on a micro-batch's tokens.</summary>
/// <remarks>
/// A job may have more steps than anybody can pack before it starts, so at most about <see cref="MaxSamples"/> samples in <see cref="MaxSteps"/> steps are
/// looked at: the job's first steps in order, the first epoch's last one and the job's last one, for these two may be short. In file order steps repeat
/// after a while, and repeated ones are looked at once. Where every step was looked at, all three numbers are exact. Where some were not, the counts are of those that were, and the
/// tokens are a bound that holds for every step: the budget, or as many of the longest samples as a micro-batch takes.
/// </remarks>
/// <param name="MinMicroBatches">Fewest micro-batches of a step.</param>
/// <param name="MaxMicroBatches">Most micro-batches of a step.</param>
/// <param name="MaxTokens">No micro-batch has more tokens.</param>
internal sealed record StepMeasure(int MinMicroBatches, int MaxMicroBatches, int MaxTokens)
{
    /// <summary>Packing them takes about a second.</summary>
    public const int MaxSamples = 1 << 20;

    /// <summary>The same for steps of few samples.</summary>
    public const int MaxSteps = 1 << 15;

    /// <param name="order">Which samples form which step.</param>
    /// <param name="planner">How a step's samples are cut.</param>
    /// <param name="lengths">Tokens of each sample.</param>
    /// <param name="steps">Steps of the job.</param>
    /// <param name="end">Samples after which the job's data ends; null: never.</param>
    /// <param name="cancellationToken">Asked between two steps.</param>
    /// <exception cref="InvalidInputException">A micro-batch may be larger than any worker can hold.</exception>
    public static StepMeasure Take(DataOrder order, MicroBatchPlanner planner, int[] lengths, ulong steps, ulong? end, CancellationToken cancellationToken)
    {
        var distinct = Math.Min(steps, order.StepsUntilRepeated);
        var inOrder = Math.Min(distinct, (ulong)Math.Clamp(MaxSamples / order.GlobalBatch, 1, MaxSteps));
        var (min, max, tokens) = (int.MaxValue, 0, 0L);
        foreach (var step in Looked(order, inOrder, steps))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var microBatches = planner.Cut(order.SamplesOf(step, end));
            (min, max) = (Math.Min(min, microBatches.Count), Math.Max(max, microBatches.Count));
            tokens = Math.Max(tokens, microBatches.Max(microBatch => TokensOf(microBatch, lengths)));
        }

        return new StepMeasure(min, max, Held(inOrder == distinct ? tokens : BoundOf(planner, lengths, order.GlobalBatch), planner));
    }

    /// <summary>Tokens of a micro-batch's samples.</summary>
    public static long TokensOf(MicroBatch microBatch, int[] lengths) => microBatch.Samples.Sum(sample => (long)lengths[(int)sample]);

    /// <summary>The tokens of a micro-batch, checked.</summary>
    /// <exception cref="InvalidInputException">No worker can hold so many.</exception>
    public static int Held(long tokens, MicroBatchPlanner planner) => tokens <= int.MaxValue
        ? (int)tokens
        : throw new InvalidInputException(
            $"A micro-batch of {planner.Samples} samples may have {tokens} tokens, more than any worker can hold; lower training.micro_batch_size.");

    private static IEnumerable<ulong> Looked(DataOrder order, ulong inOrder, ulong steps)
    {
        for (var step = 1UL; step <= inOrder; step++)
        {
            yield return step;
        }

        if (order.StepsPerEpoch > inOrder && order.StepsPerEpoch < steps)
        {
            yield return order.StepsPerEpoch;
        }

        if (steps > inOrder)
        {
            yield return steps;
        }
    }

    private static long BoundOf(MicroBatchPlanner planner, int[] lengths, int globalBatch) =>
        planner.Tokens ?? LongestSum(lengths, Math.Min(planner.Samples!.Value, globalBatch));

    // In file order a step that is larger than the data set takes samples more than once.
    private static long LongestSum(int[] lengths, int samples)
    {
        var byLength = new SortedDictionary<int, long>();
        foreach (var length in lengths)
        {
            byLength[length] = byLength.GetValueOrDefault(length) + 1;
        }

        var sum = samples / lengths.Length * byLength.Sum(item => item.Key * item.Value);
        var left = (long)(samples % lengths.Length);
        foreach (var (length, count) in byLength.Reverse())
        {
            var taken = Math.Min(left, count);
            sum += taken * length;
            left -= taken;
        }

        return sum;
    }
}
