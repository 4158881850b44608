namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>What <c>tests/Chaos</c> makes of the lines of a run, and when it says that a run broke the rules.</summary>
public sealed class RecoveryAccountTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_AKill_CountsFromTheSignal()
    {
        RunEvent[] events = [Line(0, "attach", 0, "worker-1"), Line(10, "lost", 5, "worker-1"), Line(12, "recovered", 5, repeated: 1)];
        DoneFault[] faults = [Kill(-3, 1), Kill(9, 0), Kill(9.5, 1)];

        Assert.Equal([new RecoveryAccount(1, TimeSpan.FromSeconds(2.5), 1, RolledBack: false, IsFurther: false)], RecoveryAccount.Of(events, faults));
        Assert.Empty(RecoveryAccount.Problems(RecoveryAccount.Of(events, faults)));
    }

    [Fact]
    public void Of_AWorkerThatLeavesAsPlanned_IsNoLoss()
    {
        RunEvent[] events =
        [
            Line(1, "lost", 2, "worker-1"), Line(2, "recovered", 2), Line(2, "leave", 2, "worker-0"), Line(9, "leave", 7, "worker-2") with { LostWorkerSeconds = 1.5 },
            Line(30, "lost", 9, "worker-0"), Line(31, "recovered", 9),
        ];

        Assert.Equal([1, 1], RecoveryAccount.Of(events, []).Select(recovery => recovery.Losses));
        Assert.Equal([1.0, 1.0], RecoveryAccount.Of(events, []).Select(recovery => recovery.Time.TotalSeconds));
    }

    /// <summary>Losses with a step between them repeat one each; with none between they may take a state and its mirror.</summary>
    [Theory]
    [InlineData(1, 1, false, 0, null)]
    [InlineData(2, 0, false, 0, "2 steps were repeated after one loss")]
    [InlineData(0, 2, true, 6, "2 steps were repeated after one loss")]
    [InlineData(1, 1, false, 5, null)]
    [InlineData(1, 2, false, 5, "3 steps were repeated after 2 losses")]
    [InlineData(0, 4, true, 5, null)]
    public void Problems_OfRepeatedSteps_AreThoseThatTheRulesDoNotAllow(int first, int second, bool rolledBack, int secondAt, string? problem)
    {
        List<RunEvent> events = [Line(1, "lost", 5, "worker-1"), Line(2, "recovered", 5, repeated: first)];
        if (secondAt > 0)
        {
            events.Add(Line(3, "lost", secondAt, "worker-0"));
            events.AddRange(rolledBack ? [Line(4, "rollback", 0)] : []);
            events.Add(Line(5, "recovered", secondAt, repeated: second));
        }

        Assert.Equal(problem is null ? [] : [problem], RecoveryAccount.Problems(RecoveryAccount.Of(events, [])));
    }

    [Fact]
    public void Problems_OfARecovery_AreThatItTookTooLong()
    {
        RunEvent[] slow = [Line(0, "lost", 5, "worker-1"), Line(10.2, "recovered", 5)];
        Assert.Equal(["a recovery from one loss took 10.2 s"], RecoveryAccount.Problems(RecoveryAccount.Of(slow, [])));
        RunEvent[] two = [slow[0], Line(4, "lost", 5, "worker-0"), Line(19, "recovered", 5)];
        Assert.Empty(RecoveryAccount.Problems(RecoveryAccount.Of(two, [])));
    }

    [Fact]
    public void Plan_OfFaultsApart_HasOneInEachPartOfTheRun()
    {
        var plan = Fault.Plan(new Random(1), 10, [FaultKind.Kill], workers: 3, steps: 60, apart: true);

        Assert.Equal(Enumerable.Range(0, 10), plan.Select(fault => (fault.Step - 1) / 5));
        Assert.Equal(3, plan.Select(fault => fault.Worker).Distinct().Count());
        Assert.Equal(plan, Fault.Plan(new Random(1), 10, [FaultKind.Kill], workers: 3, steps: 60, apart: true));
    }

    private static RunEvent Line(double seconds, string name, int step, string? worker = null, int repeated = 0) =>
        new(Start.AddSeconds(seconds), name, 1, step, worker, null, 0, repeated);

    private static DoneFault Kill(double seconds, int worker) => new(new Fault(1, FaultKind.Kill, worker), Start.AddSeconds(seconds), 1);
}
