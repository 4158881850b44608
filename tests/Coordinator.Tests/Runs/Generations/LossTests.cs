using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>The rows of the table "who dies, when" in protos/steps/README.md: what is repeated, who gives which state to whom, and that nothing is published twice.</summary>
public sealed class LossTests
{
    [Fact]
    public async Task Replica_LostBeforeItsVote_LeavesTheOtherToGoOnAndNothingIsRepeated()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Lose(1, silence: 3);

        lost.AssertQuietEnd();
        Assert.Equal((2UL, 7UL, 0UL, 1U, 1U), (lost.Placed.Generation, lost.Placed.FromStep, lost.Placed.StepsRepeated, lost.Placed.NumReplicas, lost.Placed.NumStages));
        Assert.Equal(["worker-0"], lost.Ranks);
        Assert.Empty(lost.Transfers);
        Assert.Equal(["lost worker-1", "recovered", "finish"], lost.Events);
        var lines = EventLines.Of(lost.Run);
        Assert.Equal("worker-1 was lost at step 8: its process ended.", lines.Single(line => line.Name == "lost").Reason);
        // Two places stood still for the lease's silence and a few turns.
        Assert.InRange(lines.Single(line => line.Name == "recovered").LostWorkerSeconds, 2 * 3, 2 * 3.1);
        Assert.Equal([(1UL, 1UL, 7UL, 2U), (2UL, 8UL, 40UL, 1U)], lost.Run.Checkpoints[^1].Layouts.Select(layout => (layout.Generation, layout.FirstStep, layout.LastStep, layout.Replicas)));
        Assert.Equal(["worker-0", "worker-1"], lost.Run.Record.FinalAccounts.Select(account => account.Worker));
        Assert.Equal((40UL, 7UL), (lost.Run.Record.FinalAccounts[0].MicroBatchesRun, lost.Run.Record.FinalAccounts[1].MicroBatchesRun));
    }

    [Theory]
    [InlineData(0, "2,1", "0-1 1>0 Own")]
    [InlineData(1, "0,2", "0-1 0>1 Own")]
    public async Task Replica_LostWithASpare_IsReplacedInItsPlaceAndFedByTheOther(int worker, string ranks, string transfer)
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        lost.Lose(worker);

        lost.AssertQuietEnd();
        Assert.Equal(ranks.Split(',').Select(index => $"worker-{index}"), lost.Ranks);
        Assert.Equal([transfer], lost.Transfers.Select(text => text.Replace($"0-{lost.Layers - 1}", "0-1", StringComparison.Ordinal)));
        Assert.Equal([$"lost worker-{worker}", "recovered", "join worker-2", "finish"], lost.Events);
        Assert.All(Loads(lost, 2), load => Assert.Null(load.State));
    }

    [Fact]
    public async Task FirstWorker_LostWhenTheOtherHadItsVerdict_LeavesThatStepToBeAccountedForByTheOther()
    {
        using var lost = await LostRun.AtAsync(2, 7, [(1, 8)], LostRun.TwoByOne);
        Assert.Equal(7UL, lost.Run.Record.CommittedStep);
        lost.Lose(0);

        lost.AssertQuietEnd();
        Assert.Equal((8UL, 0UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        var eighth = lost.Run.Journal.FindIndex(happened => happened is StepCommitted { Step: 8 });
        Assert.Equal((1UL, "worker-1"), (((StepCommitted)lost.Run.Journal[eighth]).Generation, Assert.Single(((StepCommitted)lost.Run.Journal[eighth]).Workers)));
        Assert.True(eighth < lost.Run.Journal.FindIndex(happened => happened is JobPlaced { Generation: 2 }));
    }

    [Fact]
    public async Task FirstStage_LostWhenOnlyTheSecondHadTheVerdict_IsRepeatedWithTheSameVerdict()
    {
        using var lost = await LostRun.AtAsync(3, 7, [(1, 8)], LostRun.OneByTwo);
        lost.Lose(0);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-2", "worker-1"], lost.Ranks);
        Assert.Equal((7UL, 1UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal((8UL, true, 1.0 / 8), Verdict(Assert.Single(lost.Placed.Verdicts)));
        Assert.Equal([$"0-{(lost.Layers / 2) - 1} 1>0 Mirror"], lost.Transfers);
        Assert.Equal(["lost worker-0", "recovered +1", "join worker-2", "finish"], lost.Events);
    }

    [Fact]
    public async Task Stage_LostBeforeItsNewestStateWasMirrored_RepeatsThatStepAndPublishesItOnce()
    {
        using var lost = await LostRun.AtAsync(3, 8, LostRun.OneByTwo);
        lost.Workers.MirrorIsLate = true;
        Assert.Equal(8UL, lost.Run.Record.CommittedStep);
        lost.Lose(1);

        lost.AssertQuietEnd();
        Assert.Equal((7UL, 1UL, ""), (lost.Placed.FromStep, lost.Placed.StepsRepeated, lost.Placed.Rollback));
        Assert.Equal(8UL, lost.Run.Sent.Select(sent => sent.Message.Window).OfType<StepWindow>().First(window => window.Scope.Generation == 2).Steps[0].Number);
        Assert.Equal(["lost worker-1", "recovered +1", "join worker-2", "finish"], lost.Events);
    }

    [Fact]
    public async Task StageAndItsMirror_Lost_GoBackToTheCheckpointAndAnEventSaysSo()
    {
        using var lost = await LostRun.AtAsync(3, 13, LostRun.OneByTwo, "resilience=checkpoint");
        Assert.All(lost.Run.Sent.Select(sent => sent.Message.StartGeneration).OfType<StartGeneration>(), start => Assert.False(start.Mirror));
        lost.Lose(1);

        lost.AssertQuietEnd();
        Assert.Equal((10UL, 3UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Equal("No worker has the state of every layer after a later step: steps 11 to 13 are run again from the checkpoint of step 10.", lost.Placed.Rollback);
        Assert.Equal(["lost worker-1", "rollback", "recovered +3", "join worker-2", "finish"], lost.Events);
        Assert.All(Loads(lost, 2), load => Assert.Equal(10UL, load.State.Step));
        Assert.Equal(Enumerable.Range(0, lost.Layers).Select(layer => (uint)layer), Loads(lost, 2).SelectMany(load => load.State.Blobs).Select(blob => blob.Layer));
        Assert.Equal([(1UL, 1UL, 10UL), (2UL, 11UL, 40UL)], lost.Run.Checkpoints[^1].Layouts.Select(layout => (layout.Generation, layout.FirstStep, layout.LastStep)));
    }

    [Fact]
    public async Task StageAndItsMirror_LostBeforeAnyCheckpoint_BeginAgain()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.OneByTwo, "resilience=checkpoint");
        lost.Lose(0);

        lost.AssertQuietEnd();
        Assert.Equal((0UL, 7UL), (lost.Placed.FromStep, lost.Placed.StepsRepeated));
        Assert.Matches("steps 1 to 7 are run again from the start", lost.Placed.Rollback);
        Assert.All(Loads(lost, 2), load => Assert.Null(load.State));
    }

    [Fact]
    public async Task Stage_LostWithoutASpare_WaitsALittleAndThenGoesOnWithFewerStages()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.Lose(1);
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        Assert.Matches("waits for another worker: 2 stages had a worker each, and 1 worker is left", lost.Run.Record.Reason);

        lost.Run.Pass(3.9);
        Assert.Equal(JobState.Recovering, lost.Run.Record.State);
        lost.Run.Pass(0.2);

        lost.AssertQuietEnd();
        Assert.Equal((1U, 1U), (lost.Placed.NumReplicas, lost.Placed.NumStages));
        Assert.Equal([$"{lost.Layers / 2}-{lost.Layers - 1} 0>0 Mirror"], lost.Transfers);
    }

    [Fact]
    public async Task Stage_WhoseNextLifeComesInTime_TakesItsPlaceAgain()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.Lose(1);
        lost.Run.Pass(3);
        lost.Run.Attach(FakeWorkers.Life(1, 8));

        lost.AssertQuietEnd();
        Assert.Equal((1U, 2U), (lost.Placed.NumReplicas, lost.Placed.NumStages));
        Assert.Equal(["lost worker-1", "recovered", "join worker-1", "finish"], lost.Events);
    }

    [Fact]
    public async Task OneOfFour_LostWithoutASpare_LeavesOneWholePipeline()
    {
        using var lost = await LostRun.AtAsync(4, 7, LostRun.TwoByTwo);
        lost.Lose(0);

        lost.AssertQuietEnd();
        Assert.Equal((1U, 2U), (lost.Placed.NumReplicas, lost.Placed.NumStages));
        // Each stays with its layers, and the one that is left over is released.
        Assert.Equal(["worker-2", "worker-1"], lost.Ranks);
        Assert.Empty(lost.Transfers);
        Assert.Equal(["worker-3"], lost.Run.Sent.TakeWhile(sent => sent.Message.Window?.Scope.Generation != 2).Where(sent => sent.Message.Release is not null).Select(sent => sent.Key.WorkerId));
    }

    [Fact]
    public async Task SecondWorker_LostWhileTheGenerationIsMade_BeginsTheNextOne()
    {
        using var lost = await LostRun.AtAsync(6, 7, LostRun.TwoByTwo);
        lost.Workers.Silent.Add(FakeWorkers.Key(1));
        lost.Lose(0);
        Assert.Equal((JobState.Recovering, 2UL), (lost.Run.Record.State, lost.Run.Record.Generations.Number));
        lost.Lose(1);

        lost.AssertQuietEnd();
        Assert.Equal((3UL, 7UL), (lost.Placed.Generation, lost.Placed.FromStep));
        Assert.Equal(["worker-4", "worker-5", "worker-2", "worker-3"], lost.Ranks);
        Assert.Equal(["lost worker-0", "lost worker-1", "recovered", "join worker-4", "join worker-5", "finish"], lost.Events);
    }

    [Fact]
    public async Task Newcomer_LostWhileItLoads_BeginsTheNextOne()
    {
        using var lost = await LostRun.AtAsync(4, 7, LostRun.TwoByOne);
        lost.Run.Before = run =>
        {
            if (run.Sent[^1] is { Key.WorkerId: "worker-2", Message.LoadStage: not null })
            {
                run.Before = null;
                run.LoseNow(FakeWorkers.Key(2));
            }
        };
        lost.Lose(1);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-0", "worker-3"], lost.Ranks);
        Assert.Equal(3UL, lost.Placed.Generation);
    }

    [Fact]
    public async Task Worker_LostWhileTheFirstGenerationLoads_IsReplaced()
    {
        using var lost = await LostRun.AtAsync(0, 40, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(1));
        Enumerable.Range(0, 3).ToList().ForEach(index => lost.Run.Attach(FakeWorkers.Worker(index, FakeWorkers.Class)));
        Assert.Equal(JobState.Loading, lost.Run.Record.State);
        lost.Lose(1);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-0", "worker-2"], lost.Ranks);
        Assert.Equal(["lost worker-1", "recovered", "finish"], lost.Events);
    }

    [Fact]
    public async Task Spare_Lost_ChangesNothing()
    {
        using var lost = await LostRun.AtAsync(3, 7, LostRun.TwoByOne);
        var events = lost.Run.Journal.Count;
        lost.Run.Lose(FakeWorkers.Key(2));

        Assert.Equal(events, lost.Run.Journal.Count);
    }

    [Fact]
    public async Task Step_ThatLosesWorkersThreeTimes_FailsTheJobWithThatReason()
    {
        using var lost = await LostRun.AtAsync(5, 7, LostRun.TwoByOne);
        foreach (var worker in new[] { 1, 2, 3 })
        {
            Assert.Equal(JobState.Running, lost.Run.Record.State);
            lost.Run.Lose(FakeWorkers.Key(worker));
        }

        Assert.Equal(JobState.Failed, lost.Run.Record.State);
        Assert.Matches("^worker-3 was lost at step 8: its process ended; step 8 has lost workers 3 times without a commit between", lost.Run.Record.Reason);
        Assert.Equal(["lost worker-1", "recovered", "join worker-2", "lost worker-2", "recovered", "join worker-3", "lost worker-3", "finish"], lost.Events);
    }

    /// <summary>Nothing is committed between these losses, for steps are run again; but no step is to blame for all of them.</summary>
    [Fact]
    public async Task RepeatedSteps_ThatLoseAWorkerEach_FailNothing()
    {
        using var lost = await LostRun.AtAsync(5, 17, "layout={replicas: 1, stages: 1}", "resilience=checkpoint");
        foreach (var worker in new[] { 0, 1, 2 })
        {
            lost.StopAt(11 + (2 * (ulong)worker));
            lost.Run.Lose(FakeWorkers.Key(worker));
            Assert.Equal((JobState.Running, 17UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep));
        }

        lost.Lose(3);

        lost.AssertQuietEnd();
    }

    /// <summary>That nobody was left for a while does not take the patience from the one that comes.</summary>
    [Fact]
    public async Task Stages_WhoseWorkersWereAllLost_GoOnWithFewerAfterTheSamePatience()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.OneByTwo);
        lost.StopAt();
        lost.Run.LoseNow(FakeWorkers.Key(0));
        lost.Lose(1);
        lost.Run.Attach(FakeWorkers.Life(0, 8));
        lost.Run.Pass(3.9);
        Assert.True(lost.Run.Record.IsJoining);
        lost.Run.Pass(0.2);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-0"], lost.Ranks);
    }

    /// <summary>It does not answer any more; what it says of the generation that has ended is why.</summary>
    [Fact]
    public async Task Worker_ThatFailedByItselfBeforeItWasAsked_FailsTheJob()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.Workers.Silent.Add(FakeWorkers.Key(0));
        lost.Lose(1);
        foreach (var code in new[] { ErrorCode.PeerUnreachable, ErrorCode.Internal })
        {
            Assert.Equal(JobState.Recovering, lost.Run.Record.State);
            var scope = new JobScope { Job = "job-1", Generation = 1, Fence = lost.Run.Record.Fence };
            lost.Run.Tell(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Failure = new WorkerFailure { Scope = scope, Failure = new Failure { Code = code, Message = "its memory is full." } } }));
        }

        Assert.Equal((JobState.Failed, "worker-0 failed at step 8, while recovering: its memory is full."), (lost.Run.Record.State, lost.Run.Record.Reason));
        Assert.Equal(1, lost.Run.Session.StaleMessages);
    }

    [Fact]
    public async Task Steps_ThatLoseAWorkerEach_FailNothing()
    {
        using var lost = await LostRun.AtAsync(6, 7, LostRun.TwoByOne);
        foreach (var worker in new[] { 1, 2, 3, 4 })
        {
            lost.StopAt(7 + (ulong)worker);
            lost.Run.Lose(FakeWorkers.Key(worker));
        }

        Assert.Equal((JobState.Running, 11UL), (lost.Run.Record.State, lost.Run.Record.CommittedStep));
    }

    [Fact]
    public async Task Evaluation_BrokenOffByALoss_IsMadeByTheNextGeneration()
    {
        using var lost = await LostRun.AtAsync(3, 19, LostRun.TwoByOne);
        lost.Workers.EvaluatesTo = 19;
        lost.StopAt(20);
        lost.Run.Lose(FakeWorkers.Key(1));
        Assert.Equal((20UL, 0UL), (lost.Run.Record.CommittedStep, lost.Run.Record.LastEvaluation!.Step));
        lost.Workers.EvaluatesTo = ulong.MaxValue;
        lost.Lose(0);

        lost.AssertQuietEnd();
        Assert.Equal(20UL, lost.Placed.FromStep);
    }

    [Fact]
    public async Task LastStates_LostBeforeTheyAreSaved_AreSavedByTheNextGeneration()
    {
        using var lost = await LostRun.AtAsync(3, 39, LostRun.TwoByOne);
        lost.Workers.SavesStates = false;
        lost.Lose(1);
        Assert.Equal((JobState.Finishing, 30UL), (lost.Run.Record.State, lost.Run.Record.LastCheckpoint));
        lost.Lose(0);

        lost.AssertQuietEnd();
        Assert.Equal(["worker-2"], lost.Run.Sent.Where(sent => sent.Message.SaveState is not null).Select(sent => sent.Key.WorkerId));
        Assert.Equal(["lost worker-1", "recovered", "join worker-2", "lost worker-0", "recovered", "finish"], lost.Events);
    }

    [Fact]
    public async Task Report_OfAnOlderGeneration_IsDroppedOnceTheNextOneIsPlaced()
    {
        using var lost = await LostRun.AtAsync(2, 7, LostRun.TwoByOne);
        lost.StopAt(9);
        lost.Run.Lose(FakeWorkers.Key(1));
        var late = lost.Run.Session.Reports[9][0].Clone();
        (late.Step, late.Scope.Generation) = (10, 1);

        Assert.Empty(lost.Run.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Step = late })).Events);
        Assert.Equal((9UL, 1L), (lost.Run.Record.CommittedStep, lost.Run.Session.StaleMessages));
    }

    [Fact]
    public async Task Replay_OfAnyPrefixOfARunWithLosses_GivesTheRecordOfThatMoment()
    {
        using var lost = await LostRun.AtAsync(4, 7, LostRun.TwoByTwo);
        var records = new List<(int Events, JobRecord Record)>();
        lost.Run.Before = run => records.Add((run.Journal.Count, run.Record));
        lost.StopAt(9);
        lost.Run.Lose(FakeWorkers.Key(1));
        lost.StopAt(25);
        lost.Run.Attach(FakeWorkers.Life(1, 8));
        lost.Lose(2);

        Assert.Equal(JobState.Succeeded, lost.Run.Record.State);
        Assert.All(records, moment =>
        {
            var bytes = lost.Run.Journal.Take(moment.Events).Select(happened => (happened, Bytes: ((IMessage)happened).ToByteArray()));
            var replayed = bytes.Aggregate(JobRecord.Empty, (record, item) => record.Apply((IJobEvent)((IMessage)item.happened).Descriptor.Parser.ParseFrom(item.Bytes)));
            Assert.Equal(moment.Record, replayed);
        });
        Assert.True(records.Select(moment => moment.Record.Generations.Number).Distinct().Count() >= 3);
    }

    private static List<LoadStage> Loads(LostRun lost, ulong generation) =>
        [.. lost.Run.Sent.Select(sent => sent.Message.LoadStage).OfType<LoadStage>().Where(load => load.Scope.Generation == generation)];

    private static (ulong Step, bool Apply, double Norm) Verdict(KnownVerdict verdict) => (verdict.Step, verdict.Apply, verdict.GradNorm);
}
