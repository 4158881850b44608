using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class JobCountersTests
{
    [Fact]
    public void Ran_AStepThatWasRunBefore_CountsApart()
    {
        var counters = new JobCounters();
        foreach (var (step, microBatches) in ((ulong, int)[])[(1, 4), (2, 4), (3, 4), (2, 3), (3, 2), (4, 4)])
            counters.Ran(step, microBatches);
        Assert.Equal((16UL, 5UL), (counters.Totals.MicroBatchesRun, counters.Totals.MicroBatchesRepeated));
    }
}
