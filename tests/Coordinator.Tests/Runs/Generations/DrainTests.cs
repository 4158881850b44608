using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Workers that are to leave are let go, and take nothing with them.</summary>
public sealed class DrainTests
{
    private const string OneByOne = "layout={replicas: 1, stages: 1}";

    [Fact]
    public async Task Drain_WithASpare_HandsThePlaceOverAndReleasesTheWorker()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        lost.StopAt();
        lost.Run.Attach(Draining(1));

        lost.AssertQuietEnd();
        Assert.Equal((2UL, 7UL, 0UL), (lost.Placed.Generation, lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal(["worker-0", "worker-2"], lost.Ranks);
        Assert.Equal(["leave worker-1", "join worker-2", "finish"], lost.Events);
        Assert.Equal("it was told to end by SIGTERM.", EventLines.Of(lost.Run).Single(line => line.Name == "leave").Reason);
        var released = lost.Run.Sent.FindIndex(sent => sent.Key.WorkerId == "worker-1" && sent.Message.Release is not null);
        Assert.True(released > 0 && released < lost.Run.Sent.FindIndex(sent => sent.Message.Window?.Scope.Generation == 2));
    }

    [Fact]
    public async Task Drain_OfALoneWorker_GivesItsStateToTheSpare()
    {
        using var lost = await LostRun.AtAsync(2, 7, OneByOne);
        lost.StopAt();
        lost.Run.Attach(Draining(0));

        lost.AssertQuietEnd();
        Assert.Equal(["worker-1"], lost.Ranks);
        Assert.Equal("1>0 Own", Assert.Single(lost.Transfers).Split(' ', 2)[1]);
        Assert.Equal("worker-0", Assert.Single(lost.Placed.Givers).WorkerId);
        var start = lost.Run.Sent.Single(sent => sent.Key.WorkerId == "worker-0" && sent.Message.StartGeneration?.Scope.Generation == 2).Message.StartGeneration;
        Assert.Equal([(0U, "worker-1"), (1U, "worker-0")], start.Peers.Select(peer => (peer.Rank, peer.Worker.WorkerId)));
    }

    [Fact]
    public async Task Drain_WithNobodyElse_SavesTheStepAndReleasesTheWorker()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Run.Attach(Draining(0));
        Assert.Equal((JobState.Recovering, 7UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        Assert.NotNull(lost.Run.Sent[^1].Message.Release);
        lost.StopAt();
        lost.Run.Lose(FakeWorkers.Key(0), "it was told to end by SIGTERM.", left: true);
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));

        lost.AssertQuietEnd();
        Assert.Equal((7UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Empty(lost.Placed.Transfers);
        Assert.Equal(["leave worker-0", "recovered", "join worker-1", "finish"], lost.Events);
    }

    [Fact]
    public async Task Drain_WhoseNewcomerIsSlow_SavesTheStepInTime()
    {
        using var lost = await LostRun.AtAsync(2, 7, OneByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(1));
        lost.Run.Attach(Draining(0));
        lost.Run.Pass(9.9);
        Assert.Equal((JobState.Running, 0UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        lost.Run.Pass(0.2);
        Assert.Equal((JobState.Recovering, 7UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        lost.StopAt();
        lost.Workers.Silent.Clear();
        foreach (var answer in lost.Workers.Obey(FakeWorkers.Key(1), lost.Run.Sent.Last(sent => sent.Key == FakeWorkers.Key(1)).Message))
        {
            lost.Run.Tell(new FromWorker(FakeWorkers.Key(1), answer));
        }

        lost.AssertQuietEnd();
        Assert.Equal(["leave worker-0", "join worker-1", "finish"], lost.Events);
    }

    /// <summary>It has the same ten seconds, however many newcomers are lost meanwhile.</summary>
    [Fact]
    public async Task Drain_WhoseNewcomersAreLost_WaitsForTheNextOneNoLonger()
    {
        using var lost = await LostRun.AtAsync(4, 7, OneByOne);
        foreach (var spare in (int[])[1, 2, 3])
        {
            lost.Workers.Silent.Add(FakeWorkers.Key(spare));
        }

        lost.Run.Attach(Draining(0));
        lost.Run.Pass(6);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Run.Pass(3.9);
        Assert.Equal((JobState.Running, 0UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        lost.Run.Pass(0.2);
        Assert.Equal((JobState.Recovering, 7UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
    }

    /// <summary>Its time was over before the job ran: nobody begins to load for it.</summary>
    [Fact]
    public async Task Drain_WhoseTimeIsOverWhenTheJobRuns_HoldsAtOnce()
    {
        using var lost = await LostRun.AtAsync(0, 7, OneByOne);
        lost.Workers.Silent.UnionWith([FakeWorkers.Key(0), FakeWorkers.Key(1)]);
        lost.Run.Attach(FakeWorkers.Worker(0, FakeWorkers.Class));
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));
        lost.Run.Attach(Draining(0));
        lost.Run.Pass(10.1);
        Assert.Equal(JobState.Loading, lost.Run.Record.State);
        lost.Workers.Silent.Remove(FakeWorkers.Key(0));
        foreach (var answer in lost.Workers.Obey(FakeWorkers.Key(0), lost.Run.Sent.Last(sent => sent.Key == FakeWorkers.Key(0)).Message))
        {
            lost.Run.Tell(new FromWorker(FakeWorkers.Key(0), answer));
        }

        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        Assert.DoesNotContain(lost.Run.Sent, sent => sent.Key == FakeWorkers.Key(1) && sent.Message.LoadStage is not null);
    }

    [Fact]
    public async Task Drain_WhileANewcomerLoads_TakesThePlaceOfTheGrowth()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(FakeWorkers.Life(1, 8).Key);
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        Assert.Equal(GenerationEnd.Growth, lost.Run.Session.Change?.End);
        lost.Run.Attach(Draining(0));
        Assert.Equal(GenerationEnd.Drained, lost.Run.Session.Change?.End);
        lost.Run.Pass(10.1);

        Assert.Equal((JobState.Recovering, 12UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
    }

    [Fact]
    public async Task Drain_WhileRecovering_SavesTheStepFirst()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Run.Restart(new FleetSnapshot(200, [Draining(0)]));

        Assert.Equal((JobState.Recovering, 7UL, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
        Assert.NotNull(lost.Run.Sent[^1].Message.Release);
    }

    [Fact]
    public async Task Drain_ThatIsNotWaitedFor_IsALeaveLikeALoss()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Run.Attach(Draining(0));
        lost.StopAt();
        lost.Run.Lose(FakeWorkers.Key(0), "it was told to end by SIGTERM.", left: true);
        lost.Run.Attach(FakeWorkers.Life(0, 8));

        lost.AssertQuietEnd();
        Assert.Equal(["leave worker-0", "recovered", "join worker-0", "finish"], lost.Events);
    }

    [Fact]
    public async Task Drain_OfAStageWithoutASpare_GoesOnWithFewerStages()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.StopAt();
        lost.Run.Attach(Draining(1));

        lost.AssertQuietEnd();
        Assert.Equal((1U, 1U), (lost.Placed.NumReplicas, lost.Placed.NumStages));
        Assert.Equal(["leave worker-1", "finish"], lost.Events);
    }

    [Fact]
    public async Task DrainingWorker_IsNotPlaced()
    {
        using var lost = await LostRun.AtAsync(0, 40);
        lost.Run.Attach(Draining(0));
        Assert.Equal(JobState.Planning, lost.Run.Record.State);
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));

        Assert.Equal(["worker-1"], lost.Ranks);
    }

    private static AttachedWorker Draining(int worker) => FakeWorkers.Worker(worker, FakeWorkers.Class) with { DrainReason = "it was told to end by SIGTERM." };
}
