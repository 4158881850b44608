using Orchestrator.Protos;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class PhaseAccountTests
{
    [Fact]
    public void Text_OfSteps_IsTheirMeanWithoutTheFirst()
    {
        var account = new PhaseAccount();
        account.Add(new PhaseSeconds { Total = 100 });
        Assert.Null(account.Text());
        account.Add(new PhaseSeconds { Forward = 1, Vote = 0.001, Total = 2 });
        account.Add(new PhaseSeconds { Forward = 2, Mirror = 0.5, Total = 3 });
        Assert.Equal(
            "2 steps after the first took 2.50000 s each: forward 1.50000 s, backward 0.00000 s, reduce 0.00000 s, optimizer 0.00000 s, wait 0.00000 s, vote 0.00050 s, history 0.00000 s, mirror 0.25000 s",
            account.Text());
    }
}
