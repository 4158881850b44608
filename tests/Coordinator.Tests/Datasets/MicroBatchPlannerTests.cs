using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Micro-batches hold every sample of the step once and never exceed the budget.</summary>
public class MicroBatchPlannerTests
{
    [Property]
    public bool Cut_AnySamples_KeepsEachOnceWithinTheBudget(NonEmptyArray<PositiveInt> sizes, bool packing, PositiveInt extra)
    {
        var lengths = sizes.Get.Select(size => size.Get).ToArray();
        var budget = lengths.Max() + extra.Get;
        var planner = MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchTokens = budget }, packing, lengths);
        var step = Enumerable.Range(0, lengths.Length).Reverse().ToArray();
        var cut = planner.Cut(step);
        return cut.SelectMany(microBatch => microBatch.Samples).Order().SequenceEqual(Enumerable.Range(0, lengths.Length).Select(sample => (uint)sample))
            && cut.All(microBatch => microBatch.Packed == packing && microBatch.Samples.Sum(sample => lengths[(int)sample]) <= budget)
            && cut.Select(microBatch => string.Join(',', microBatch.Samples)).SequenceEqual(planner.Cut(step).Select(microBatch => string.Join(',', microBatch.Samples)))
            && (!packing || IsFirstFit(cut.Select(microBatch => microBatch.Samples.Sum(sample => lengths[(int)sample])).ToArray(), budget));
    }

    [Theory]
    [InlineData(new[] { 10, 20, 30 }, 4, 32)]
    [InlineData(new[] { 100 }, 16, 512)]
    [InlineData(new[] { 100, 101 }, 4, 128)]
    [InlineData(new[] { 1 }, 4, 1)]
    [InlineData(new[] { 1 }, 5, 2)]
    [InlineData(new[] { 1000 }, 100_000, 4096)]
    [InlineData(new[] { 5000 }, 1, 8192)]
    [InlineData(new[] { 4096, 4096 }, 32, 4096)]
    public void AutomaticTokens_OfLengthsAndBatch_FollowsTheRule(int[] lengths, int globalBatch, int expected)
        => Assert.Equal(expected, MicroBatchPlanner.AutomaticTokens(lengths, globalBatch));

    [Property]
    public bool AutomaticTokens_AnyLengths_IsTheSmallestPowerOfTwoThatDoes(NonEmptyArray<PositiveInt> sizes, PositiveInt globalBatch)
    {
        var lengths = sizes.Get.Select(size => size.Get).ToArray();
        var needed = Math.Max(lengths.Max(), Math.Min(4096, Math.Ceiling(lengths.Sum() * (double)globalBatch.Get / lengths.Length) / 4));
        var tokens = MicroBatchPlanner.AutomaticTokens(lengths, globalBatch.Get);
        return int.IsPow2(tokens) && tokens >= needed && tokens / 2.0 < needed;
    }

    [Fact]
    public void ForTraining_BudgetBelowTheLongestSample_IsRefusedWithTheValueThatWouldDo()
    {
        var error = Assert.Throws<InvalidInputException>(() => MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchTokens = 64 }, true, [10, 65]));
        Assert.Equal("training.micro_batch_tokens is 64, but the longest training sample has 65 tokens; set it to 65 or more, or data.max_length to 64 or less.", error.Message);
    }

    [Fact]
    public void Cut_WithPacking_FillsFirstFitDecreasing()
    {
        var planner = MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchTokens = 10 }, true, [3, 7, 5, 4, 1]);
        Assert.Equal(["0,1", "2,3,4"], planner.Cut([0, 1, 2, 3, 4]).Select(microBatch => string.Join(',', microBatch.Samples)));
    }

    [Fact]
    public void Cut_WithPacking_TakesEqualLengthsInTheStepsOrder()
    {
        var planner = MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchTokens = 10 }, true, [5, 5, 5]);
        Assert.Equal(["2,0", "1"], planner.Cut([2, 0, 1]).Select(microBatch => string.Join(',', microBatch.Samples)));
    }

    [Fact]
    public void Cut_WithoutPacking_KeepsTheOrder()
    {
        var planner = MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchTokens = 10 }, false, [3, 7, 5, 4, 1]);
        Assert.Equal(["0,1", "2,3,4"], planner.Cut([0, 1, 2, 3, 4]).Select(microBatch => string.Join(',', microBatch.Samples)));
        Assert.Equal(["4,2", "1,0", "3"], planner.Cut([4, 2, 1, 0, 3]).Select(microBatch => string.Join(',', microBatch.Samples)));
    }

    [Fact]
    public void Cut_BySamples_TakesThatMany()
    {
        var planner = MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchSize = 2 }, true, [9, 9, 9]);
        Assert.Equal(["2,1", "0"], planner.Cut([2, 1, 0]).Select(microBatch => string.Join(',', microBatch.Samples)));
    }

    [Fact]
    public void Cut_HundredThousandSamples_IsFast()
    {
        var lengths = Enumerable.Range(0, 100_000).Select(i => 1 + (i * 7919 % 2048)).ToArray();
        var cut = MicroBatchPlanner.ForTraining(DefaultJob.Training with { MicroBatchTokens = 2048 }, true, lengths).Cut([.. Enumerable.Range(0, lengths.Length)]);
        Assert.InRange(cut.Count, (int)(lengths.Sum(length => (long)length) / 2048), (int)(1.02 * lengths.Sum(length => (long)length) / 2048));
    }

    [Fact]
    public void ForEvaluation_LongerSample_GrowsOnlyAnAutomaticBudget()
    {
        var automatic = DefaultJob.Training with { GlobalBatchSize = 1 };
        Assert.Equal(128, MicroBatchPlanner.ForTraining(automatic, true, [30]).ForEvaluation(automatic, [100]).Tokens);
        var given = DefaultJob.Training with { MicroBatchTokens = 32 };
        Assert.Throws<InvalidInputException>(() => MicroBatchPlanner.ForTraining(given, true, [30]).ForEvaluation(given, [100]));
    }

    // First fit leaves at most one micro-batch half empty.
    private static bool IsFirstFit(int[] filled, int budget) => filled.Count(tokens => 2L * tokens <= budget) <= 1;
}
