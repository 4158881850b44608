using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class RestartHistoryTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    [Fact]
    public void Died_ThreeTimesBeforeItAttached_GivesUp()
    {
        var first = RestartHistory.None.Died(Short);
        var second = first.Next.Died(TimeSpan.FromMinutes(2));
        Assert.Equal((false, false, true), (first.GiveUp, second.GiveUp, second.Next.Died(Short).GiveUp));
    }

    [Fact]
    public void Died_AfterItAttachedOnce_IsStartedAgainForEverWithAWaitUpToTwoSeconds()
    {
        var history = RestartHistory.None.Attached();
        List<double> waits = [];
        for (var life = 0; life < 100; life++)
        {
            var decision = history.Died(Short);
            Assert.False(decision.GiveUp);
            waits.Add(decision.Delay.TotalSeconds);
            history = decision.Next;
        }

        Assert.Equal([0.5, 1, 2, 2], waits.Take(4));
        Assert.Equal(2, waits[^1]);
        Assert.Equal(0.5, history.Died(TimeSpan.FromMinutes(1)).Delay.TotalSeconds);
    }
}
