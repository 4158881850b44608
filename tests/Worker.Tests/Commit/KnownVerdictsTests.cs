using Orchestrator.Protos;
using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class KnownVerdictsTests
{
    [Fact]
    public void Learn_MoreThanThree_KeepsTheLastOnesWithoutLosses()
    {
        var verdicts = new KnownVerdicts();
        for (ulong step = 1; step <= 5; step++)
            verdicts.Learn(new StepVerdict { Step = step, Apply = step != 4, GradNorm = step, Losses = { new MicroBatchLoss() } });
        verdicts.Learn(new StepVerdict { Step = 5, Evaluation = true });
        Assert.Equal([(3UL, true, 3.0), (4UL, false, 4.0), (5UL, true, 5.0)], verdicts.All.Select(verdict => (verdict.Step, verdict.Apply, verdict.GradNorm)));
        Assert.All(verdicts.All, verdict => Assert.Empty(verdict.Losses));
    }

    /// <summary>After going back one step its verdict is still known while the step is run again; after going back to a checkpoint those of far later ones are not.</summary>
    [Fact]
    public void Learn_AnEarlierStep_KeepsWhatMayYetBind()
    {
        var verdicts = new KnownVerdicts();
        foreach (var step in (ulong[])[8, 9, 10])
            verdicts.Learn(new StepVerdict { Step = step });
        verdicts.Learn(new StepVerdict { Step = 9 });
        Assert.Equal([8UL, 9UL, 10UL], verdicts.All.Select(verdict => verdict.Step));
        verdicts.Learn(new StepVerdict { Step = 3 });
        Assert.Equal([3UL], verdicts.All.Select(verdict => verdict.Step));
    }

    [Fact]
    public void Learn_AStepAgain_KeepsTheNewOne()
    {
        var verdicts = new KnownVerdicts();
        verdicts.Learn(new StepVerdict { Step = 5, Scope = new JobScope { Generation = 1 } });
        verdicts.Learn(new StepVerdict { Step = 5, Scope = new JobScope { Generation = 2 } });
        Assert.Equal(2UL, Assert.Single(verdicts.All).Scope.Generation);
    }
}
