using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Planned changes: the layout grows back, and workers that are to leave are let go.</summary>
public sealed class ChangeTests
{
    [Fact]
    public async Task Layout_ThatShrank_GrowsBackAtAStepsBoundaryAndNothingIsRepeated()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        Assert.Equal((JobState.Running, 12UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep));
        lost.Run.Pass(10);
        lost.StopAt();
        lost.Run.Attach(Life(1, 8));

        lost.AssertQuietEnd();
        Assert.Equal((3UL, 12UL, 0UL, 2U), (lost.Placed.Generation, lost.Placed.FromStep, lost.Placed.StepsRepeated, lost.Placed.NumReplicas));
        // It loads while the others train: under the running generation, before anybody holds.
        var sent = lost.Run.Sent.SkipWhile(message => message.Key.Incarnation != 8).ToList();
        Assert.Equal((2UL, (FakeWorkers.Key(0), 2UL)), (sent[0].Message.LoadStage.Scope.Generation, (sent[1].Key, sent[1].Message.Hold.Scope.Generation)));
        Assert.Equal(["lost worker-1", "recovered", "join worker-1", "finish"], lost.Events);
        var lines = EventLines.Of(lost.Run);
        // One place was empty for ten seconds, and one stood still for a moment.
        Assert.InRange(lines.Single(line => line.Name == "join").LostWorkerSeconds, 10, 10.3);
        Assert.Equal(0, lines[^1].LostWorkerSeconds);
    }

    [Fact]
    public async Task Layout_ThatNeverGrowsBack_TellsAtTheEndWhatItWasWithout()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Run.Pass(10);
        lost.Lose(0);
        lost.Run.Attach(Life(0, 8));

        lost.AssertQuietEnd();
        Assert.InRange(EventLines.Of(lost.Run)[^1].LostWorkerSeconds, 10, 10.3);
    }

    [Fact]
    public async Task Stages_ThatShrank_GrowBackOnTheFirstCut()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Run.Pass(5);
        Assert.Equal((JobState.Running, 1), (lost.Run.Record.State, lost.Run.Record.Placement!.NumStages));
        lost.StopAt();
        lost.Run.Attach(Life(1, 8));

        lost.AssertQuietEnd();
        Assert.Equal((1U, 2U, 12UL), (lost.Placed.NumReplicas, lost.Placed.NumStages, lost.Placed.FromStep));
        Assert.Equal(["worker-0", "worker-1"], lost.Ranks);
        Assert.Equal("0>1 Own", Assert.Single(lost.Transfers).Split(' ', 2)[1]);
    }

    [Fact]
    public async Task Layout_ThatGrowsWhileCommittedStepsAreRunAgain_GoesOnFromThereAndCountsNoneTwice()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Run.Lose(FakeWorkers.Key(0));
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.StopAt(3);
        lost.Run.Attach(Life(0, 8));
        Assert.Equal((0UL, 7UL, 3UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated, lost.Run.Session.Repeated));
        lost.StopAt();
        lost.Run.Attach(Life(1, 8));

        lost.AssertQuietEnd();
        Assert.Equal((3UL, 0UL, 2U), (lost.Placed.FromStep, lost.Placed.StepsRepeated, lost.Placed.NumReplicas));
    }

    [Fact]
    public async Task Newcomer_LostWhileItLoads_LeavesTheOthersToTrain()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(Life(1, 8).Key);
        lost.Run.Attach(Life(1, 8));
        Assert.NotNull(lost.Run.Session.Change);
        lost.Run.Lose(Life(1, 8).Key);

        Assert.Null(lost.Run.Session.Change);
        Assert.Equal((JobState.Running, 2UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
    }

    [Fact]
    public async Task Member_LostWhileANewcomerLoads_EndsTheChangeAndIsReplacedByIt()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(Life(1, 8).Key);
        lost.Run.Attach(Life(1, 8));
        lost.Workers.Silent.Clear();
        lost.Lose(0);

        Assert.Equal(JobState.Succeeded, lost.Run.Record.State);
        Assert.Equal(["worker-1"], lost.Ranks);
        // Nobody was left with a state: from the checkpoint.
        Assert.Equal((10UL, 2UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        lost.AssertSteps(40);
    }

    [Fact]
    public async Task Cancel_WhileAChangeHolds_EndsTheJob()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Run.Attach(Life(1, 8));
        Assert.True(lost.Run.Session.Change!.IsHolding);
        lost.Workers.Silent.Clear();
        lost.Run.Tell(new CancelJob { Job = "job-1" });

        Assert.Equal((JobState.Cancelled, 12UL, 12UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

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
    public async Task Drain_OfALoneWorker_WaitsForAnotherWhichItGivesItsStateTo()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Run.Attach(Draining(0));
        Assert.Equal((JobState.Running, 1UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
        lost.StopAt();
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));

        lost.AssertQuietEnd();
        Assert.Equal(["worker-1"], lost.Ranks);
        Assert.Equal("1>0 Own", Assert.Single(lost.Transfers).Split(' ', 2)[1]);
        Assert.Equal("worker-0", Assert.Single(lost.Placed.Givers).WorkerId);
        var start = lost.Run.Sent.Single(sent => sent.Key.WorkerId == "worker-0" && sent.Message.StartGeneration?.Scope.Generation == 2).Message.StartGeneration;
        Assert.Equal([(0U, "worker-1"), (1U, "worker-0")], start.Peers.Select(peer => (peer.Rank, peer.Worker.WorkerId)));
    }

    [Fact]
    public async Task Drain_ThatIsNotWaitedFor_IsALeaveLikeALoss()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Run.Attach(Draining(0));
        lost.StopAt();
        lost.Run.Lose(FakeWorkers.Key(0), "it was told to end by SIGTERM.", left: true);
        lost.Run.Attach(Life(0, 8));

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

    [Fact]
    public async Task Peer_ThatCannotBeReached_IsTriedAgainAndThenGivenUp()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        Accuse(lost);
        lost.Run.Pass(4.9);
        Assert.Equal(1UL, lost.Run.Record.Generations.Number);
        lost.Run.Pass(0.2);
        Assert.Equal((JobState.Running, 2UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
        Assert.Equal(["worker-0", "worker-1"], lost.Ranks);

        Accuse(lost);
        lost.StopAt();
        lost.Run.Pass(5.1);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-0", "worker-2"], lost.Ranks);
        Assert.Equal(["recovered", "lost worker-1", "recovered", "join worker-2", "finish"], lost.Events);
        Assert.Matches("it was so before, and worker-1 is given up", EventLines.Of(lost.Run).Single(line => line.Name == "lost").Reason!);
    }

    [Fact]
    public async Task Peer_ThatWasLostMeanwhile_IsNoSecondReason()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        Accuse(lost);
        lost.StopAt(9);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Run.Pass(6);

        Assert.Equal((JobState.Running, 2UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
    }

    private static void Accuse(LostRun lost) => lost.Run.Tell(new FromWorker(FakeWorkers.Key(0), new WorkerMessage
    {
        Failure = new WorkerFailure
        {
            Scope = new JobScope { Job = "job-1", Generation = lost.Run.Record.Generations.Number, Fence = lost.Run.Record.Fence },
            Failure = new Failure { Code = ErrorCode.PeerUnreachable, Message = "worker-1 (rank 1) does not take what worker-0 sends: a call failed." },
            Peer = new WorkerIdentity { WorkerId = FakeWorkers.Key(1).WorkerId, Incarnation = FakeWorkers.Key(1).Incarnation },
        },
    }));

    private static AttachedWorker Draining(int worker) => FakeWorkers.Worker(worker, FakeWorkers.Class) with { DrainReason = "it was told to end by SIGTERM." };

    private static AttachedWorker Life(int worker, ulong incarnation) => FakeWorkers.Worker(worker, FakeWorkers.Class) with { Key = new WorkerKey($"worker-{worker}", incarnation) };
}
