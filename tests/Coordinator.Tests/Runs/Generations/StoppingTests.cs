using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>Ctrl-C beside a loss.</summary>
public sealed class StoppingTests
{
    [Fact]
    public async Task Cancel_WhileRecovering_EndsWithACheckpointOfTheNewestStep()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Lose(1);
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        lost.Workers.Silent.Clear();
        lost.Lose(0);

        Assert.Equal((JobState.Cancelled, 7UL, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

    [Fact]
    public async Task Cancel_ThatLosesTheWorkerItHolds_IsDoneByTheNextGeneration()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        lost.Lose(0);

        Assert.Equal((JobState.Cancelled, 7UL, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
        Assert.DoesNotContain(lost.Run.Sent.Select(sent => sent.Message.Window).OfType<StepWindow>(), window => window.Scope.Generation == 2);
    }

    /// <summary>Whoever held behind a committed step would never come to save it.</summary>
    [Fact]
    public async Task Cancel_WhileCommittedStepsAreRunAgain_HoldsOnceTheyAre()
    {
        using var lost = await LostRun.AtAsync(1, 7, "resilience=checkpoint");
        lost.Run.Lose(FakeWorkers.Key(0));
        lost.StopAt(3);
        lost.Run.Attach(Life(8));
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        Assert.Equal((JobState.Running, 3UL), (lost.Run.Record.State, lost.Run.Session.Repeated));
        Assert.DoesNotContain(lost.Run.Sent, sent => sent.Message.Hold is not null);
        lost.StopAt();
        foreach (var (worker, report) in lost.Workers.ActUnseen(9))
        {
            lost.Run.Tell(new FromWorker(worker, new WorkerMessage { Step = report }));
        }

        Assert.Equal((JobState.Cancelled, 9UL, 9UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

    [Fact]
    public async Task Cancel_OfAJobThatWaitsForWorkers_EndsAtOnce()
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Lose(0);
        lost.Run.Tell(new CancelJob { Job = "job-1" });

        Assert.Equal(JobState.Cancelled, lost.Run.Record.State);
    }

    private static AttachedWorker Life(ulong incarnation) => FakeWorkers.Worker(0, FakeWorkers.Class) with { Key = new WorkerKey("worker-0", incarnation) };
}
