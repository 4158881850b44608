using Orchestrator.Coordinator.Cli.Score;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class ScorePlanTests
{
    [Fact]
    public void Create_WithPacking_KeepsTheFilesOrderWithinTheBudget()
    {
        var plan = ScorePlan.Create([1000, 1000, 100, 5000, 1], packing: true);
        Assert.Equal(["0,1", "2", "3", "4"], plan.MicroBatches.Select(batch => string.Join(',', batch.Samples)));
        Assert.Equal(5000, plan.MaxTokens);
        Assert.All(plan.MicroBatches, batch => Assert.True(batch.Packed));
    }

    [Fact]
    public void Create_WithoutPacking_TakesEachSampleAlone() =>
        Assert.Equal(["0", "1", "2"], ScorePlan.Create([5, 6, 7], packing: false).MicroBatches.Select(batch => string.Join(',', batch.Samples)));
}
