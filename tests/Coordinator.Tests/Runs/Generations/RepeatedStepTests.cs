using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>What is known of a step or a state binds: a generation that comes to something else ends the job with the sentence that names both.</summary>
public sealed class RepeatedStepTests
{
    [Fact]
    public async Task RepeatedStep_ThatComesToAnotherLoss_FailsTheJobNamingGenerationsAndWorkers()
    {
        using var lost = await LostRun.AtAsync(3, 8, LostRun.OneByTwo);
        lost.Workers.MirrorIsLate = true;
        lost.AlterReport = (_, report) => Altered(report, r => r.Losses[2].LossSum += 1);
        lost.Lose(1);

        Assert.Equal((JobState.Failed, 8UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep));
        Assert.Matches(@"^nondeterminism detected: step 8 came to the loss \S+ in generation 1 \(worker-0, worker-1\) and to \S+ when it was run again in generation 2 \(worker-0, worker-2\)", lost.Run.Record.Reason);
    }

    [Fact]
    public async Task RepeatedStep_ThatComesToAnotherState_FailsTheJob()
    {
        using var lost = await LostRun.AtAsync(3, 8, LostRun.OneByTwo);
        lost.Workers.MirrorIsLate = true;
        lost.AlterReport = (worker, report) => Altered(report, r => r.StateHash = worker == FakeWorkers.Key(2) ? ByteString.CopyFromUtf8("another state...") : r.StateHash);
        lost.Lose(1);

        Assert.Matches("^nondeterminism detected: step 8 came to a state of hash", lost.Run.Record.Reason);
    }

    [Fact]
    public async Task RepeatedStep_ThatComesToAnotherVerdictThanASurvivorKnew_FailsTheJob()
    {
        using var lost = await LostRun.AtAsync(3, 7, [(1, 8)], LostRun.OneByTwo);
        lost.AlterReport = (_, report) => Altered(report, r => r.GradNorm = 2);
        lost.Lose(0);

        Assert.Equal((JobState.Failed, 7UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep));
        Assert.Matches("^nondeterminism detected: step 8 came to the norm 0.125 in generation 1 .worker-1. and to 2 when", lost.Run.Record.Reason);
    }

    [Fact]
    public async Task State_ThatAMemberBeginsWithAndIsAnother_FailsTheJob()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.OneByTwo);
        lost.Workers.AlterReady = (worker, ready) => ready.StateHash = worker == FakeWorkers.Key(2) ? ByteString.CopyFromUtf8("another state...") : ready.StateHash;
        lost.Lose(1);

        Assert.Matches("^nondeterminism detected: the state of step 7 that generation 2 begins with .* is not the one that its workers had before", lost.Run.Record.Reason);
    }

    [Fact]
    public async Task Survivors_ThatHoldDifferentStatesOfTheSameLayers_FailTheJobNamingThem()
    {
        using var lost = await LostRun.AtAsync(3, 7, "layout={replicas: 3, stages: 1}");
        lost.Workers.AlterJoined = (worker, joined) => joined.States[^1].Hash = worker == FakeWorkers.Key(2) ? ByteString.CopyFromUtf8("another state...") : joined.States[^1].Hash;
        lost.Lose(0);

        Assert.Matches("^nondeterminism detected: after step 7 there are different states of layers 0 to .* .worker-1 against worker-2.", lost.Run.Record.Reason);
    }

    private static StepReport Altered(StepReport report, Action<StepReport> change)
    {
        change(report);
        return report;
    }
}
