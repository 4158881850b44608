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

    /// <summary>The one that is left mirrors the other stage: what both hold is saved on one stage.</summary>
    [Fact]
    public async Task Cancel_WhileAnotherLifeIsWaitedFor_SavesOnWhatIsThere()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.Lose(1);
        Assert.True(lost.Run.Record.IsJoining);
        lost.Run.Tell(new CancelJob { Job = "job-1" });

        Assert.Equal((JobState.Cancelled, 7UL, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
    }

    [Fact]
    public async Task Cancel_WhileRecovering_EndsWhenNobodyIsLeft()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Lose(1);
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        lost.Lose(0);

        Assert.Equal(JobState.Cancelled, lost.Run.Record.State);
    }

    /// <summary>Its states are in a file that none but its next life reads; what came before the checkpoint needs nobody.</summary>
    [Theory]
    [InlineData(19.9, JobState.Recovering)]
    [InlineData(20.1, JobState.Cancelled)]
    public async Task Cancel_WhenTheOnlyWorkerIsGone_WaitsTwentySecondsForItsNextLife(double seconds, JobState state)
    {
        using var lost = await LostRun.AtAsync(1, 7);
        lost.Lose(0);
        lost.Run.Tell(new CancelJob { Job = "job-1" });
        lost.Run.Pass(seconds);

        Assert.Equal((state, 0UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        if (state == JobState.Recovering)
        {
            Assert.EndsWith("The job waits for another life of worker-0, which has the newest state in a file.", lost.Run.Record.Reason, StringComparison.Ordinal);
            lost.Run.Attach(FakeWorkers.Life(0, 8));
            Assert.Equal((JobState.Cancelled, 7UL, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep, lost.Run.Record.LastCheckpoint));
        }
    }

    [Theory]
    [InlineData(7, "resilience=checkpoint")]
    [InlineData(10, "resilience=mirror")]
    public async Task Cancel_WhenTheOnlyWorkerIsGoneAndHasNothingThatIsMissing_EndsAtOnce(ulong step, string resilience)
    {
        using var lost = await LostRun.AtAsync(1, step, resilience);
        lost.Lose(0);
        lost.Run.Tell(new CancelJob { Job = "job-1" });

        Assert.Equal(JobState.Cancelled, lost.Run.Record.State);
    }
}
