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
        lost.Run.Pass(4.9);
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
        lost.Run.Restart(lost.Run.Fleet);
        lost.Run.Pass(6);

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

    /// <summary>The parts of the last checkpoint are told again before the next coordinator knows what its manifest says.</summary>
    [Fact]
    public async Task Coordinator_StartedAgainBeforeTheLastCheckpoint_MakesItOfThePartsThatAreToldAgain()
    {
        using var lost = await LostRun.AtAsync(0, 40, LostRun.TwoByOne);
        lost.Workers.SavesStates = false;
        lost.Run.Attach(FakeWorkers.Worker(0, FakeWorkers.Class));
        lost.Run.Attach(FakeWorkers.Worker(1, FakeWorkers.Class));
        Assert.Equal((JobState.Finishing, 0UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        lost.Workers.Silent.UnionWith([FakeWorkers.Key(0), FakeWorkers.Key(1)]);
        lost.Run.Restart(lost.Run.Fleet);
        var saved = new StateSaved { Scope = new JobScope { Job = "job-1", Generation = 1, Fence = lost.Run.Record.Fence }, Place = new Place(), Step = 40 };
        saved.Blobs.AddRange(Enumerable.Range(0, 6).Select(layer => new StateBlob { Layer = (uint)layer, Sha256 = new string('0', 64), Bytes = 100 }));
        lost.Run.Tell(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { StateSaved = saved }));
        lost.Workers.Silent.Clear();
        foreach (var worker in new[] { FakeWorkers.Key(0), FakeWorkers.Key(1) })
        {
            foreach (var answer in lost.Workers.Obey(worker, lost.Run.Sent.Last(sent => sent.Key == worker).Message))
            {
                lost.Run.Tell(new FromWorker(worker, answer));
            }
        }

        lost.AssertQuietEnd();
        Assert.DoesNotContain(lost.Run.Sent, sent => sent.Message.SaveState is not null);
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

    private static StepReport Skipped(StepReport report)
    {
        report.Applied = false;
        return report;
    }
}
