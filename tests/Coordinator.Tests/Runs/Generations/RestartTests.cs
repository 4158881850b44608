using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>A coordinator that is started again with its journal goes on with the workers that are still there.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task Workers_ThatLive_AreAskedFirstAndNothingIsRepeated()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt();
        lost.Run.Restart(lost.Workers.Fleet);

        lost.AssertQuietEnd();
        Assert.Equal((2UL, 7UL, 0UL), (lost.Placed.Generation, lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal(["recovered", "finish"], lost.Events);
        Assert.Equal("The coordinator was started again at step 8.", EventLines.Of(lost.Run).Single(line => line.Name == "recovered").Reason);
        Assert.Equal(2, EventLines.Of(lost.Run).Count(line => line.Name == "attach"));
        var fence = lost.Run.Journal.OfType<OwnershipTaken>().Last().Fence;
        Assert.All(lost.Run.Sent.Select(sent => sent.Message.Window).OfType<StepWindow>().Where(window => window.Scope.Generation == 2), window => Assert.Equal(fence, window.Scope.Fence));
    }

    /// <summary>The process may have ended before it had deleted what the newest checkpoint makes superfluous.</summary>
    [Fact]
    public async Task Checkpoints_OverTheLimit_AreDeletedByTheNextOneAtOnce()
    {
        using var lost = await LostRun.AtAsync(2, 13, LostRun.TwoByOne);
        Assert.Equal([10UL], lost.Run.Trimmed);

        lost.Run.Restart(lost.Workers.Fleet);

        Assert.Equal([10UL, 10UL], lost.Run.Trimmed.Take(2));
    }

    /// <summary>What the coordinator did not live to journal, the workers tell the next one, under its fence.</summary>
    [Fact]
    public async Task Reports_ThatTheCoordinatorLost_AreUsedOnceByTheNextOne()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Run.Restart(new FleetSnapshot(200, []));
        var unreported = lost.Workers.ActUnseen(10);
        lost.Run.Attach(FakeWorkers.Worker(0, FakeWorkers.Class));
        lost.Workers.Silent.UnionWith([FakeWorkers.Key(1)]);
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));
        Assert.Equal((JobState.Recovering, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep));

        // Both tell all that they have; the second one twice.
        foreach (var report in unreported.Concat(unreported.Where(report => report.Worker == FakeWorkers.Key(1))))
        {
            report.Report.Scope.Fence = lost.Run.Record.Fence;
            lost.Run.Tell(new FromWorker(report.Worker, new WorkerMessage { Step = report.Report.Clone() }));
        }

        lost.StopAt();
        lost.Workers.Silent.Clear();
        foreach (var answer in lost.Workers.Obey(FakeWorkers.Key(1), lost.Run.Sent.Last(sent => sent.Key == FakeWorkers.Key(1)).Message))
        {
            lost.Run.Tell(new FromWorker(FakeWorkers.Key(1), answer));
        }

        lost.AssertQuietEnd();
        Assert.Equal((10UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal(2, lost.Run.Journal.OfType<StepCommitted>().Single(step => step.Step == 10).Workers.Count);
    }

    /// <summary>A state whose steps nobody accounts for is of no use: the steps are made again.</summary>
    [Fact]
    public async Task Steps_ThatNobodyAccountsFor_AreMadeAgain()
    {
        using var lost = await LostRun.AtAsync(2, 12, LostRun.TwoByOne);
        lost.Workers.ActUnseen(15);
        lost.StopAt();
        lost.Run.Restart(lost.Workers.Fleet);

        lost.AssertQuietEnd();
        Assert.Equal((10UL, 5UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
    }

    [Fact]
    public async Task Member_ThatDoesNotComeBack_IsLostAfterItsPatience()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt();
        lost.Run.Restart(new FleetSnapshot(200, [FakeWorkers.Worker(0, FakeWorkers.Class)]));
        lost.Run.Pass(9.9);
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        lost.Run.Pass(0.2);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-0"], lost.Ranks);
        Assert.Equal(["lost worker-1", "recovered", "finish"], lost.Events);
        Assert.Equal("worker-1 was lost at step 8, while recovering: it did not come back after the coordinator was started again.", EventLines.Of(lost.Run).Single(line => line.Name == "lost").Reason);
    }

    [Fact]
    public async Task Member_ThatWasStartedAgainMeanwhile_IsLostAtOnce()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt();
        var again = FakeWorkers.Worker(1, FakeWorkers.Class) with { Key = new WorkerKey("worker-1", 8) };
        lost.Run.Restart(new FleetSnapshot(200, [FakeWorkers.Worker(0, FakeWorkers.Class), again]));

        lost.AssertQuietEnd();
        Assert.Equal(["lost worker-1", "recovered", "join worker-1", "finish"], lost.Events);
    }

    [Fact]
    public async Task Coordinator_StartedAgainWhileItRecovers_AsksAgain()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Lose(1);
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        lost.Workers.Silent.Clear();
        // Whoever was lost before is not waited for.
        lost.Run.Restart(lost.Run.Fleet);

        lost.AssertQuietEnd();
        Assert.Equal((7UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
    }

    [Fact]
    public async Task Coordinator_StartedAgainWhileTheAdapterIsWritten_WritesItAgain()
    {
        using var lost = await LostRun.AtAsync(1, 40);
        Assert.Equal(JobState.Succeeded, lost.Run.Record.State);
        lost.Run.Journal.RemoveAt(lost.Run.Journal.Count - 1);
        lost.Run.Restart(lost.Workers.Fleet);

        Assert.Equal(JobState.Succeeded, lost.Run.Record.State);
        Assert.DoesNotContain(lost.Run.Journal, happened => happened is GenerationEnded);
        Assert.Equal(lost.Run.Record.Fence, lost.Run.Sent[^1].Message.Release.Scope.Fence);
    }

    /// <summary>The newest step was committed, and the coordinator took down for its checkpoint what died with it.</summary>
    [Fact]
    public async Task LastStep_ThatIsRunAgain_HasItsCheckpoint()
    {
        using var lost = await LostRun.AtAsync(3, 39, LostRun.OneByTwo);
        Act(lost, 40);
        Assert.Equal((JobState.Running, 40UL, 30UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
        lost.StopAt();
        lost.Workers.MirrorIsLate = true;
        lost.Run.Restart(new FleetSnapshot(200, [FakeWorkers.Worker(1, FakeWorkers.Class), FakeWorkers.Worker(2, FakeWorkers.Class)]));
        lost.Run.Pass(10.1);

        Assert.Equal((39UL, 1UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        lost.AssertQuietEnd();
    }

    /// <summary>All parts of the last checkpoint are told of before the coordinator knows what else it says.</summary>
    [Fact]
    public async Task LastStep_WhosePartsAreToldAgain_HasItsCheckpointWithoutAsking()
    {
        using var lost = await LostRun.AtAsync(1, 39);
        Act(lost, 40);
        lost.StopAt();
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Run.Restart(lost.Workers.Fleet);
        var saved = new StateSaved { Scope = new JobScope { Job = "job-1", Generation = 1, Fence = lost.Run.Record.Fence }, Place = new Place(), Step = 40 };
        saved.Blobs.AddRange(lost.Run.Session.Material!.Modules.Select(module => module.Layer).Distinct().Select(layer => new StateBlob { Layer = layer, Sha256 = new string('0', 64), Bytes = 100 }));
        lost.Run.Tell(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { StateSaved = saved }));
        Answer(lost, 0);

        Assert.Equal((40UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        lost.AssertQuietEnd();
        Assert.DoesNotContain(lost.Run.Sent, sent => sent.Message.SaveState is not null);
    }

    /// <summary>Whoever only the life before knew holds the job all the same.</summary>
    [Fact]
    public async Task End_BeforeEverybodyIsBack_ReleasesAllThatWereEverBound()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Run.Restart(new FleetSnapshot(200, [FakeWorkers.Worker(0, FakeWorkers.Class)]));
        lost.Run.Tell(new JobInput.PublicationFailed("The disk is full."));

        Assert.Equal(JobState.Failed, lost.Run.Record.State);
        Assert.Equal(["worker-0", "worker-1"], lost.Run.Sent.Where(sent => sent.Message.Release?.Scope.Fence == lost.Run.Record.Fence).Select(sent => sent.Key.WorkerId));
    }

    /// <summary>A checkpoint is being written while the last worker is lost: the next generation loads from it, and not from one that goes.</summary>
    [Fact]
    public async Task Generation_WhileACheckpointIsWritten_WaitsForIt()
    {
        using var lost = await LostRun.AtAsync(2, 7, "layout={replicas: 1, stages: 1}", "resilience=checkpoint");
        lost.Run.HoldsCheckpoints = true;
        lost.StopAt(12);
        lost.Run.Lose(FakeWorkers.Key(0));
        Assert.Equal((JobState.Running, 12UL, 10UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Session.CheckpointUnderWay));
        lost.StopAt();
        lost.Lose(1);
        lost.Run.Attach(FakeWorkers.Worker(2, FakeWorkers.Class));
        Assert.True(lost.Run.Record.IsJoining);
        lost.Run.FinishCheckpoints();

        lost.AssertQuietEnd();
        Assert.Equal((10UL, 2UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal([10UL, 20UL, 30UL, 40UL], lost.Run.Trimmed);
    }

    [Fact]
    public async Task Cancel_ThatTheCoordinatorDidNotLiveToEnd_IsEndedByTheNextOne()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        lost.Workers.Silent.Clear();
        lost.Run.Restart(lost.Workers.Fleet);

        Assert.Equal((JobState.Cancelled, 7UL, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

    [Fact]
    public async Task SkippedSteps_WhoseCheckpointTheCoordinatorDidNotLiveToSee_FailTheJobWithIt()
    {
        using var skipping = await LostRun.AtAsync(0, 7, LostRun.TwoByOne, "training.max_skipped_steps=3");
        skipping.AlterReport = (_, report) => Skipped(report);
        skipping.Workers.SavesStates = false;
        skipping.Workers.HoldsBack = true;
        skipping.Run.Attach(FakeWorkers.Worker(0, FakeWorkers.Class));
        skipping.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));
        Assert.Equal((JobState.Running, 7UL), (skipping.Run.Record.State, skipping.Run.Record.CommittedStep));
        skipping.Workers.HoldsBack = false;
        skipping.Run.Restart(skipping.Run.Fleet);

        Assert.Equal((JobState.Failed, 7UL), (skipping.Run.Record.State, skipping.Run.Record.LastCheckpoint));
        Assert.Matches("^3 steps in a row, up to step 3, were skipped", skipping.Run.Record.Reason);
    }

    // The workers act on a step and tell of it; nobody saves or evaluates it.
    private static void Act(LostRun lost, ulong step)
    {
        foreach (var (worker, report) in lost.Workers.ActUnseen(step))
        {
            lost.Run.Tell(new FromWorker(worker, new WorkerMessage { Step = report }));
        }
    }

    private static void Answer(LostRun lost, int worker)
    {
        lost.Workers.Silent.Clear();
        foreach (var answer in lost.Workers.Obey(FakeWorkers.Key(worker), lost.Run.Sent.Last(sent => sent.Key == FakeWorkers.Key(worker)).Message))
        {
            lost.Run.Tell(new FromWorker(FakeWorkers.Key(worker), answer));
        }
    }

    private static StepReport Skipped(StepReport report)
    {
        report.Applied = false;
        return report;
    }
}
