using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>A job with one worker left loses it: its next life has the state in a file, and the reports that nobody heard.</summary>
public sealed class LoneWorkerTests
{
    [Fact]
    public async Task LoneWorker_Lost_WaitsForItsNextLifeWhichHasItsFile()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Lose(0);
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        Assert.Equal("worker-0 was lost at step 8: its process ended. The job waits for a worker of its numeric class; none is left.", lost.Run.Record.Reason);

        lost.Run.Attach(FakeWorkers.Life(0, 8));

        lost.AssertQuietEnd();
        Assert.Equal((7UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal([$"0-{lost.Layers - 1} 0>0 File"], lost.Transfers);
        var account = Assert.Single(lost.Run.Record.FinalAccounts);
        Assert.Equal(("worker-0", 47UL), (account.Worker, account.MicroBatchesRun));
    }

    /// <summary>Its last reports died with its process; its next life brings them, and some that were heard.</summary>
    [Fact]
    public async Task LoneWorker_LostBeforeItsReportsWereHeard_BringsThemInItsNextLife()
    {
        using var lost = await LostRun.AtAsync(1, 15);
        var heard = lost.Run.Session.Reports[15][0];
        Bring(lost, heard, [.. lost.Workers.ActUnseen(22).Select(acted => acted.Report)]);
        lost.Lose(0);
        lost.Run.Attach(FakeWorkers.Life(0, 8));

        lost.AssertQuietEnd();
        Assert.Equal((22UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        var order = lost.Run.Journal.Where(happened => happened is StepCommitted { Step: > 15 and <= 22 } or StepEvaluated { Step: 20 } or JobPlaced { Generation: 2 }).ToList();
        Assert.Equal(["16", "17", "18", "19", "20", "evaluation", "21", "22", "placed"], order.Select(happened => happened switch { StepCommitted step => $"{step.Step}", StepEvaluated => "evaluation", _ => "placed" }));
    }

    /// <summary>Those of another worker, of no life that had a place, or of an older generation are nobody's.</summary>
    [Theory]
    [InlineData("worker-1", 7, 1, 0)]
    [InlineData("worker-0", 6, 1, 0)]
    [InlineData("worker-0", 7, 0, 0)]
    [InlineData("worker-0", 7, 1, 1)]
    public async Task Worker_WithReportsOfSomethingElse_IsNotBelieved(string worker, ulong incarnation, ulong generation, int teller)
    {
        using var lost = await LostRun.AtAsync(1, 15);
        var unheard = lost.Workers.ActUnseen(22).Select(acted => acted.Report).ToArray();
        Bring(lost, lost.Run.Session.Reports[15][0], unheard, new WorkerIdentity { WorkerId = worker, Incarnation = incarnation }, generation);
        lost.Lose(0);
        lost.Run.Attach(FakeWorkers.Life(teller, 8));
        // Only worker-0's own next life has the file, which is waited for.
        lost.Run.Pass(teller == 0 ? 0 : 6.1);

        lost.AssertQuietEnd();
        Assert.Equal(10UL, lost.Placed.FromStep);
        Assert.Equal(15UL, lost.Run.Journal.TakeWhile(happened => happened is not JobPlaced { Generation: 2 }).OfType<StepCommitted>().Last().Step);
    }

    /// <summary>Another worker is there, but the newest state is in the file of the one that was alone.</summary>
    [Fact]
    public async Task LoneWorker_LostWhileAnotherOneComes_IsWaitedForAndNothingIsRepeated()
    {
        using var lost = await AloneAtAsync(17);
        Assert.Matches("worker-0 was lost at step 18: its process ended. The job waits for another life of worker-0, which has the newest state in a file.", lost.Run.Record.Reason);

        lost.Run.Pass(5.9);
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        lost.Run.Attach(FakeWorkers.Life(0, 8));

        lost.AssertQuietEnd();
        Assert.Equal((17UL, 0UL, ""), (lost.Placed.FromStep, lost.Placed.StepsRepeated, lost.Placed.Rollback));
        Assert.Equal(["lost worker-1", "recovered", "lost worker-0", "recovered", "join worker-1", "join worker-0", "finish"], lost.Events);
    }

    [Fact]
    public async Task LoneWorker_WhoseNextLifeDoesNotCome_IsWaitedForNoLongerThanThat()
    {
        using var lost = await AloneAtAsync(17);
        lost.Run.Pass(6.1);

        lost.AssertQuietEnd();
        Assert.Equal((10UL, 7UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal(["lost worker-1", "recovered", "lost worker-0", "rollback", "recovered +7", "join worker-1", "finish"], lost.Events);
    }

    /// <summary>It was waited for before, so that the other worker need not repeat steps; that one is gone, too.</summary>
    [Theory]
    [InlineData(14.0, JobState.Recovering)]
    [InlineData(14.2, JobState.Cancelled)]
    public async Task LoneWorker_WaitedForWhenSomebodyCancels_IsWaitedForTwentySecondsInAll(double further, JobState state)
    {
        using var lost = await AloneAtAsync(17);
        lost.Run.Pass(5.9);
        lost.Run.Lose(new WorkerKey("worker-1", 8));
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        lost.Run.Pass(further);
        Assert.Equal(state, lost.Run.Record.State);
        lost.Run.Attach(FakeWorkers.Life(0, 8));

        var saved = state == JobState.Recovering ? 17UL : 10;
        Assert.Equal((JobState.Cancelled, 17UL, saved), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

    // The next life brings these reports, and an evaluation after step 20.
    private static void Bring(LostRun lost, StepReport heard, StepReport[] unheard, WorkerIdentity? worker = null, ulong generation = 1)
    {
        worker ??= heard.Worker;
        var evaluation = lost.Run.Session.Evaluations[0].Values.Single().Clone();
        evaluation.Step = 20;
        var reports = new PendingReports { Steps = { heard.Clone(), unheard }, Evaluations = { evaluation } };
        foreach (var step in reports.Steps)
        {
            step.Worker = worker;
            step.Scope = heard.Scope.Clone();
            step.Scope.Generation = generation;
        }

        evaluation.Worker = worker;
        evaluation.Scope = reports.Steps[0].Scope;
        lost.Workers.AlterJoined = (_, joined) => joined.Reports = reports;
    }

    // One of two was lost; the other went on alone to this step and was lost when the first one's next life had come and not joined.
    private static async Task<LostRun> AloneAtAsync(ulong step)
    {
        var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(step);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.StopAt();
        lost.Workers.HoldsBack = true;
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        lost.Workers.HoldsBack = false;
        lost.Run.Lose(FakeWorkers.Key(0));
        return lost;
    }
}
