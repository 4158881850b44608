using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Planned changes: the layout grows back.</summary>
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
        lost.Run.Attach(FakeWorkers.Life(1, 8));

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
        lost.Run.Attach(FakeWorkers.Life(0, 8));

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
        lost.Run.Attach(FakeWorkers.Life(1, 8));

        lost.AssertQuietEnd();
        Assert.Equal((1U, 2U, 12UL), (lost.Placed.NumReplicas, lost.Placed.NumStages, lost.Placed.FromStep));
        Assert.Equal(["worker-0", "worker-1"], lost.Ranks);
        Assert.Equal("0>1 Own", Assert.Single(lost.Transfers).Split(' ', 2)[1]);
    }

    [Fact]
    public async Task Newcomer_LostWhileItLoads_LeavesTheOthersToTrain()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(FakeWorkers.Life(1, 8).Key);
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        Assert.NotNull(lost.Run.Session.Change);
        lost.Run.Lose(FakeWorkers.Life(1, 8).Key);

        Assert.Null(lost.Run.Session.Change);
        Assert.Equal((JobState.Running, 2UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
    }

    [Fact]
    public async Task Member_LostWhileANewcomerLoads_EndsTheChangeAndIsReplacedByIt()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(FakeWorkers.Life(1, 8).Key);
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        lost.Workers.Silent.Clear();
        lost.Lose(0);
        lost.Run.Pass(6.1);

        Assert.Equal(JobState.Succeeded, lost.Run.Record.State);
        Assert.Equal(["worker-1"], lost.Ranks);
        // Nobody was left with a state, and the next life of the one that has a file did not come: from the checkpoint.
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
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        Assert.True(lost.Run.Session.Change!.IsHolding);
        lost.Workers.Silent.Clear();
        lost.Run.Tell(new CancelJob { Job = "job-1" });

        Assert.Equal((JobState.Cancelled, 12UL, 12UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

    /// <summary>The newest state is with a worker that is to leave, and there is no other worker: it is placed once more, to save.</summary>
    /// <summary>Workers that are behind a committed step would hold there for ever.</summary>
    [Theory]
    [InlineData("growth")]
    [InlineData("drain")]
    [InlineData("cancel")]
    public async Task Hold_WhileCommittedStepsAreRepeated_WaitsForTheNewestOfThem(string why)
    {
        using var lost = await LostRun.AtAsync(2, 17, LostRun.TwoByOne);
        lost.Run.LoseNow(FakeWorkers.Key(0));
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.StopAt(12);
        lost.Run.Attach(FakeWorkers.Life(2, 8));
        Assert.Equal((JobState.Running, 17UL, 12UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Session.Repeated));
        lost.StopAt();
        switch (why)
        {
            case "growth":
                lost.Run.Attach(FakeWorkers.Life(3, 8));
                break;
            case "drain":
                lost.Run.Attach(FakeWorkers.Life(2, 8) with { DrainReason = "it was told to end by SIGTERM." });
                break;
            default:
                lost.Run.Tell(new CancelJob { Job = "job-1" });
                break;
        }

        Assert.DoesNotContain(lost.Run.Sent, sent => sent.Message.Hold is not null);
        foreach (var (worker, report) in lost.Workers.ActUnseen(17).Where(acted => acted.Worker == FakeWorkers.Life(2, 8).Key))
        {
            lost.Run.Tell(new FromWorker(worker, new WorkerMessage { Step = report }));
        }

        Assert.Contains(lost.Run.Sent, sent => sent.Message.Hold is not null);
        Assert.Equal(
            why switch { "growth" => (JobState.Succeeded, 40UL), "drain" => (JobState.Recovering, 17UL), _ => (JobState.Cancelled, 17UL) },
            (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        lost.AssertSteps(lost.Run.Record.CommittedStep);
    }

    [Fact]
    public async Task Newcomer_ThatCannotLoad_IsGivenUpAndTheOthersGoOn()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.Workers.Silent.Add(FakeWorkers.Life(1, 8).Key);
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        lost.Run.Tell(new FromWorker(FakeWorkers.Life(1, 8).Key, new WorkerMessage
        {
            Failure = new WorkerFailure
            {
                Scope = new JobScope { Job = "job-1", Generation = lost.Run.Record.Generations.Number, Fence = lost.Run.Record.Fence },
                Failure = new Failure { Code = ErrorCode.Internal, Message = "its memory is full." },
            },
        }));
        Assert.Equal((JobState.Running, 2UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
        Assert.Equal((FakeWorkers.Life(1, 8).Key, true), (lost.Run.Sent[^1].Key, lost.Run.Sent[^1].Message.Release is not null));
        Assert.Null(lost.Run.Session.Change);
        lost.StopAt();
        lost.Run.Attach(FakeWorkers.Worker(2, FakeWorkers.Class));

        lost.AssertQuietEnd();
        Assert.Equal(["worker-0", "worker-2"], lost.Ranks);
        Assert.Equal("worker-1 failed at step 13: its memory is full.", EventLines.Of(lost.Run).Last(line => line.Name == "lost").Reason);
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
}
