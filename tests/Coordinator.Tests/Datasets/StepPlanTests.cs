using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Steps of jobs small enough to count by hand.</summary>
public class StepPlanTests
{
    [Fact]
    public void Create_TwoShuffledEpochs_EndsEachWithAShortBatch()
    {
        var plan = Plan(new TrainingSpec { Epochs = 2, GlobalBatchSize = 4, MicroBatchSize = 1 });
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
        var plan = Plan(new TrainingSpec { Epochs = 1.8, GlobalBatchSize = 4, MicroBatchSize = 1 }, shuffle: false);
        Assert.Equal(5UL, plan.TotalSteps);
        Assert.Equal([8, 9, 0, 1], plan.SamplesOf(3));
        Assert.Equal([6, 7], plan.SamplesOf(5));
        Assert.Equal(1.8, plan.EpochAfter(5));
    }

    [Fact]
    public void StepAt_AnyStep_HasCorrectionsInFp64RoundedOnce()
    {
        var plan = Plan(new TrainingSpec { MaxSteps = 100, GlobalBatchSize = 4 });
        Assert.Equal((float)(1 - Math.Pow(0.9, 7)), plan.StepAt(7).BiasCorrection1);
        Assert.Equal((float)(1 - Math.Pow(0.999, 7)), plan.StepAt(7).BiasCorrection2);
        Assert.Equal(7UL, plan.StepAt(7).Number);
    }

    [Theory]
    [InlineData(0.1, 100, new[] { 10, 20, 90, 100 }, new[] { 1, 9, 11, 99 })]
    [InlineData(0.3, 5, new[] { 2, 4, 5 }, new[] { 1, 3 })]
    [InlineData(3.0, 7, new[] { 3, 6, 7 }, new[] { 1, 2, 4, 5 })]
    [InlineData(1000.0, 7, new[] { 7 }, new[] { 1, 6 })]
    public void EvaluatesAfter_CountOrFraction_AndAlwaysAtTheEnd(double evalSteps, int total, int[] yes, int[] no)
    {
        var plan = Plan(new TrainingSpec { MaxSteps = total, GlobalBatchSize = 4, EvalSteps = evalSteps }, eval: true);
        Assert.All(yes, step => Assert.True(plan.EvaluatesAfter((ulong)step)));
        Assert.All(no, step => Assert.False(plan.EvaluatesAfter((ulong)step)));
        Assert.False(Plan(new TrainingSpec { MaxSteps = total, EvalSteps = evalSteps }).EvaluatesAfter((ulong)total));
    }

    [Fact]
    public void Create_AutomaticBudget_ComesFromTheDataAlone()
    {
        var plan = Plan(new TrainingSpec { MaxSteps = 3, GlobalBatchSize = 4 }, eval: true);
        Assert.Equal(8, plan.MicroBatchTokens);
        Assert.Equal(5, plan.MaxMicroBatchTokens);
        Assert.Equal(10, plan.Evaluation.Sum(microBatch => microBatch.Samples.Count));
    }

    private static StepPlan Plan(TrainingSpec training, bool shuffle = true, bool eval = false)
    {
        var split = new PreparedSplit { Shard = new ShardRef(), Lengths = [.. Enumerable.Repeat(5, 10)], LabelCounts = [.. Enumerable.Repeat(4, 10)], Path = "" };
        var job = new JobSpec { Name = "j", Model = "/m", Output = "/o", Data = new DataSpec { Train = ["/t"], Shuffle = shuffle }, Training = training };
        return StepPlan.Create(job, new PreparedDataset(split, eval ? split : null));
    }
}
