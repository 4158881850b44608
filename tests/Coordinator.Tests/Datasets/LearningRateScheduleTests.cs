using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Rates as transformers' get_scheduler gives them.</summary>
public class LearningRateScheduleTests
{
    [Theory]
    [InlineData("Constant", 1, 0)]
    [InlineData("Constant", 2, 0.5)]
    [InlineData("Constant", 10, 1)]
    [InlineData("Linear", 3, 1)]
    [InlineData("Linear", 7, 0.5)]
    [InlineData("Linear", 10, 0.125)]
    [InlineData("Cosine", 3, 1)]
    [InlineData("Cosine", 7, 0.5)]
    public void At_TenStepsTwoWarm_FollowsTheSchedule(string scheduler, int step, double expected)
        => Assert.Equal(expected, new LearningRateSchedule(Enum.Parse<LearningRateScheduler>(scheduler), 1, 2, 10).At((ulong)step), 1e-15);

    [Theory]
    [InlineData(0.03, null, 500, 15)]
    [InlineData(0.03, null, 10, 1)]
    [InlineData(0.0, null, 10, 0)]
    [InlineData(0.03, 0, 500, 0)]
    [InlineData(0.03, 7, 500, 7)]
    [InlineData(0.5, null, 5, 3)]
    public void Create_RatioAndSteps_StepsWinAndRatioRoundsUp(double ratio, int? steps, int total, int expected)
        => Assert.Equal((ulong)expected, LearningRateSchedule.Create(DefaultJob.Training with { WarmupRatio = ratio, WarmupSteps = steps }, (ulong)total).WarmupSteps);

    [Fact]
    public void At_WarmupLongerThanTheJob_OnlyWarms() => Assert.Equal(0.4, new LearningRateSchedule(LearningRateScheduler.Cosine, 1, 10, 5).At(5), 1e-15);
}
