using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Steps of jobs small enough to count by hand.</summary>
public class StepPlanTests
{
    [Fact]
    public void Create_TwoShuffledEpochs_EndsEachWithAShortBatch()
    {
        var plan = Plan(DefaultJob.Training with { Epochs = 2, GlobalBatchSize = 4, MicroBatchSize = 1 });
        Assert.Equal(6UL, plan.TotalSteps);
        Assert.Equal([4, 4, 2, 4, 4, 2], Enumerable.Range(1, 6).Select(step => plan.SamplesOf((ulong)step).Length));
        Assert.Equal((2, 4), (plan.MinMicroBatchesPerStep, plan.MaxMicroBatchesPerStep));
        Assert.Equal([0, 0.4, 0.8, 1, 1.4, 1.8, 2], Enumerable.Range(0, 7).Select(step => plan.EpochAfter((ulong)step)));
        Assert.NotEqual(plan.SamplesOf(1), plan.SamplesOf(4));
        Assert.Equal(8UL, plan.StepAt(3).LabelTokens);
        Assert.Equal(10UL, plan.TokensOf(3));
    }

    [Fact]
    public void Create_TwoEpochsInFileOrder_WrapsAndEndsShort()
    {
        var plan = Plan(DefaultJob.Training with { Epochs = 1.8, GlobalBatchSize = 4, MicroBatchSize = 1 }, shuffle: false);
        Assert.Equal(5UL, plan.TotalSteps);
        Assert.Equal([8, 9, 0, 1], plan.SamplesOf(3));
        Assert.Equal([6, 7], plan.SamplesOf(5));
        Assert.Equal(1.8, plan.EpochAfter(5));
    }

    [Fact]
    public void StepAt_AnyStep_HasCorrectionsInFp64RoundedOnce()
    {
        var plan = Plan(DefaultJob.Training with { MaxSteps = 100, GlobalBatchSize = 4 });
        Assert.Equal((float)(1 - Math.Pow(0.9, 7)), plan.StepAt(7).BiasCorrection1);
        Assert.Equal((float)(1 - Math.Pow(0.999, 7)), plan.StepAt(7).BiasCorrection2);
        Assert.Equal(7UL, plan.StepAt(7).Number);
        var sgd = Plan(DefaultJob.Training with { MaxSteps = 100, GlobalBatchSize = 4, Optimizer = OptimizerKind.Sgd }).StepAt(7);
        Assert.Equal((1f, 1f), (sgd.BiasCorrection1, sgd.BiasCorrection2));
    }

    [Theory]
    [InlineData(0.1, 100, new[] { 10, 20, 90, 100 }, new[] { 1, 9, 11, 99 })]
    [InlineData(0.3, 5, new[] { 2, 4, 5 }, new[] { 1, 3 })]
    [InlineData(3.0, 7, new[] { 3, 6, 7 }, new[] { 1, 2, 4, 5 })]
    [InlineData(1000.0, 7, new[] { 7 }, new[] { 1, 6 })]
    public void EvaluatesAfter_CountOrFraction_AndAlwaysAtTheEnd(double evalSteps, int total, int[] yes, int[] no)
    {
        var plan = Plan(DefaultJob.Training with { MaxSteps = total, GlobalBatchSize = 4, EvalSteps = evalSteps }, eval: true);
        Assert.All(yes, step => Assert.True(plan.EvaluatesAfter((ulong)step)));
        Assert.All(no, step => Assert.False(plan.EvaluatesAfter((ulong)step)));
        Assert.False(Plan(DefaultJob.Training with { MaxSteps = total, EvalSteps = evalSteps }).EvaluatesAfter((ulong)total));
    }

    [Fact]
    public void Create_AutomaticBudget_ComesFromTheDataAlone()
    {
        var plan = Plan(DefaultJob.Training with { MaxSteps = 3, GlobalBatchSize = 4 }, eval: true);
        Assert.Equal(8, plan.MicroBatchTokens);
        Assert.Equal(5, plan.MaxMicroBatchTokens);
        Assert.Equal(10, plan.Evaluation.Sum(microBatch => microBatch.Samples.Count));
    }

    [Theory(Timeout = 30_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Create_MoreStepsThanCanBePacked_IsBounded(bool shuffle)
    {
        var training = DefaultJob.Training with { MaxSteps = 100_000_000, GlobalBatchSize = 4, MicroBatchSize = 2 };
        var plan = await Task.Run(() => Plan(training, shuffle, lengths: Lengths), TestContext.Current.CancellationToken);
        Assert.Equal(100_000_000UL, plan.TotalSteps);
        Assert.Equal((shuffle ? 1 : 2, 2), (plan.MinMicroBatchesPerStep, plan.MaxMicroBatchesPerStep));
    }

    [Fact(Timeout = 30_000)]
    public async Task Create_AMillionEpochs_IsBoundedAndItsBoundHoldsForEveryStep()
    {
        var training = DefaultJob.Training with { Epochs = 1_000_000, GlobalBatchSize = 4, MicroBatchSize = 2 };
        var plan = await Task.Run(() => Plan(training, lengths: Lengths), TestContext.Current.CancellationToken);
        Assert.Equal(10 + 9, plan.MaxMicroBatchTokens);
        foreach (var step in new ulong[] { 1, 2, 3, 1_000_000, 2_999_999, 3_000_000 })
        {
            Assert.All(plan.StepAt(step).MicroBatches, microBatch => Assert.InRange(StepMeasure.TokensOf(microBatch, Lengths), 1, plan.MaxMicroBatchTokens));
        }
    }

    [Fact]
    public void Create_FileOrderThatRepeats_IsMeasuredExactly()
    {
        // Steps of 4 out of 10 samples repeat after 5; neighbours of them never are the two longest samples.
        var plan = Plan(DefaultJob.Training with { MaxSteps = 100_000_000, GlobalBatchSize = 4, MicroBatchSize = 2 }, shuffle: false, lengths: [10, 1, 1, 1, 1, 1, 1, 1, 1, 9]);
        Assert.Equal(11, plan.MaxMicroBatchTokens);
    }

    [Fact]
    public void Create_BatchLargerThanTheDataInFileOrder_CountsSamplesAsOftenAsTheyCome()
    {
        var plan = Plan(DefaultJob.Training with { MaxSteps = 2_000_000, GlobalBatchSize = 25, MicroBatchSize = 25 }, shuffle: false, lengths: Lengths);
        Assert.Equal(55 + 55 + Enumerable.Range(6, 5).Sum(), plan.MaxMicroBatchTokens);
    }

    [Fact]
    public void Create_Cancelled_Stops() =>
        Assert.Throws<OperationCanceledException>(() => Plan(DefaultJob.Training with { MaxSteps = 100, GlobalBatchSize = 4 }, cancellationToken: new CancellationToken(canceled: true)));

    [Fact]
    public void Create_MicroBatchLargerThanAnyWorker_IsRefused()
    {
        var error = Assert.Throws<InvalidInputException>(() => Plan(
            DefaultJob.Training with { MaxSteps = 1, GlobalBatchSize = 300, MicroBatchSize = 300 }, shuffle: false, lengths: [.. Enumerable.Repeat(1 << 24, 10)]));
        Assert.Equal("A micro-batch of 300 samples may have 5033164800 tokens, more than any worker can hold; lower training.micro_batch_size.", error.Message);
    }

    private static int[] Lengths => [.. Enumerable.Range(1, 10)];

    private static StepPlan Plan(TrainingSpec training, bool shuffle = true, bool eval = false, int[]? lengths = null, CancellationToken? cancellationToken = null)
    {
        lengths ??= [.. Enumerable.Repeat(5, 10)];
        var split = new PreparedSplit { Shard = new ShardRef(), Lengths = lengths, LabelCounts = [.. Enumerable.Repeat(4, lengths.Length)], Path = "" };
        var job = DefaultJob.Spec with { Data = DefaultJob.Data with { Train = ["/t"], Shuffle = shuffle }, Training = training };
        return StepPlan.Create(job, new PreparedDataset(split, eval ? split : null), cancellationToken ?? TestContext.Current.CancellationToken);
    }
}
