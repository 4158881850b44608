using System.Text.Json;
using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class JobLifeTests : IDisposable
{
    private const string TwoByTwo = "layout={replicas: 2, stages: 2}";
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Life_OnTwoReplicasOfTwoStages_EndsInSuccess()
    {
        var run = await Run(new FakeWorkers(4), TwoByTwo);

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.Equal(40UL, run.Record.CommittedStep);
        Assert.Equal((40 * 64UL, 40 * 0.5), (run.Record.TokensTrained, run.Record.SecondsTrained));
        Assert.Equal(
            [typeof(OwnershipTaken), typeof(JobSubmitted), typeof(JobPrepared), typeof(JobPlaced), typeof(WorkerBound), typeof(WorkerBound), typeof(WorkerBound), typeof(WorkerBound), typeof(GenerationStarted), typeof(TrainingStarted), typeof(WindowOpened), typeof(StepEvaluated)],
            run.Journal.Take(12).Select(happened => happened.GetType()));
        Assert.Equal([0UL, 20UL, 40UL], run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step));
        Assert.Equal(4, run.Sent.Count(message => message.Message.BodyCase == CoordinatorMessage.BodyOneofCase.Release));
        Assert.Equal([10UL, 20UL, 30UL, 40UL], run.Checkpoints.Select(checkpoint => checkpoint.Step));
        Assert.All(run.Sent.Where(message => message.Message.Window is not null), message => Assert.Equal(message.Key.WorkerId is "worker-0" or "worker-1", message.Message.Window.CheckpointFolder.Length > 0));
    }

    [Fact]
    public async Task Loss_OfAStep_IsTheSumInMicroBatchOrderOverLabelTokens()
    {
        var run = await Run(new FakeWorkers(4), TwoByTwo);

        var step = run.Journal.OfType<StepCommitted>().Single(committed => committed.Step == 5);
        var expected = 0.0;
        for (var microBatch = 0; microBatch < 8; microBatch++)
        {
            expected += FakeWorkers.Loss(5, microBatch);
        }

        Assert.Equal(BitConverter.DoubleToInt64Bits(expected / step.LabelTokens), BitConverter.DoubleToInt64Bits(step.Loss));
        Assert.Equal(8UL * 4, step.LabelTokens);
        Assert.Equal(64UL, step.Tokens);
    }

    /// <summary>What `train --json` and the tests of layouts rely on: each of a worker's numbers under its own name.</summary>
    [Fact]
    public async Task Accounts_OfAnEndedJob_HoldWhatEachWorkerSaidLast()
    {
        var run = await Run(
            new FakeWorkers(4)
            {
                Alter = (key, report) =>
                {
                    report.Totals = new WorkerTotals { MicroBatchesRun = report.Step, MicroBatchesRepeated = 2, BytesSent = 3, BytesReceived = 4, GradientBytesReceived = 5, BaseBytesRead = 6, BaseBytesCached = 7, BaseBytesReceived = 8, PeakMemoryBytes = key == FakeWorkers.Key(3) ? 9UL : 10 };
                    return report;
                },
            },
            TwoByTwo);

        var accounts = JobReport.Status(run.Record, run.Session).Workers;
        Assert.Equal(["worker-0", "worker-1", "worker-2", "worker-3"], accounts.Select(account => account.Worker));
        Assert.Equal(
            new WorkerAccount { Worker = "worker-3", Replica = 1, Stage = 1, FirstLayer = 3, LastLayer = 5, MicroBatchesRun = 40, MicroBatchesRepeated = 2, BytesSent = 3, BytesReceived = 4, GradientBytesReceived = 5, BaseBytesRead = 6, BaseBytesCached = 7, BaseBytesReceived = 8, PeakMemoryBytes = 9 },
            accounts[3]);
    }

    [Fact]
    public async Task Windows_AreOpened_WhenHalfOfTheOneBeforeIsCommitted()
    {
        var run = await Run(new FakeWorkers(1));

        var second = run.Journal.FindIndex(happened => happened is WindowOpened { Steps: [{ Step: 33 }, ..] });
        Assert.Equal(16UL, run.Journal.Take(second).OfType<StepCommitted>().Last().Step);
        Assert.Equal(2, run.Journal.OfType<WindowOpened>().Count());
    }

    [Fact]
    public async Task Replay_OfAnyPrefix_GivesTheRecordOfThatMoment()
    {
        var records = new List<(int Events, JobRecord Record)>();
        var run = await Prepare(new FakeWorkers(4), TwoByTwo);
        run.Before = r => records.Add((r.Journal.Count, r.Record));
        run.Submit();

        Assert.All(records, moment =>
        {
            var bytes = run.Journal.Take(moment.Events).Select(happened => (happened, Bytes: ((IMessage)happened).ToByteArray()));
            var replayed = bytes.Aggregate(JobRecord.Empty, (record, item) => record.Apply((IJobEvent)((IMessage)item.happened).Descriptor.Parser.ParseFrom(item.Bytes)));
            Assert.Equal(moment.Record, replayed);
        });
        Assert.True(records.Count > 100);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Reports_InAnyOrderAmongWorkers_CommitTheSameSteps(int seed)
    {
        var expected = await Run(new FakeWorkers(4), TwoByTwo);
        var random = new Random(seed);
        var run = await Prepare(new FakeWorkers(4), [TwoByTwo], waiting =>
        {
            // Any worker may be next, but each worker's messages keep their order.
            var picked = waiting[random.Next(waiting.Count)];
            return picked is FromWorker from ? waiting.ToList().FindIndex(other => other is FromWorker { Key: var key } && key == from.Key) : waiting.ToList().IndexOf(picked);
        });
        run.Submit();

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.Equal(
            expected.Journal.OfType<StepCommitted>().Select(step => (step.Step, step.Loss, step.GradNorm)),
            run.Journal.OfType<StepCommitted>().Select(step => (step.Step, step.Loss, step.GradNorm)));
    }

    [Fact]
    public async Task Report_OfAnotherFenceOrGeneration_IsDroppedAndCounted()
    {
        var run = await Held(step: 3);

        var before = run.Record;
        run.One(Report(run, 3, report => report.Scope.Fence++));
        run.One(Report(run, 3, report => report.Scope.Generation--));
        run.One(new FromWorker(new WorkerKey("worker-0", 6), Report(run, 3, _ => { }).Message));

        Assert.Equal(before, run.Record);
        Assert.Equal(3, run.Session.StaleMessages);
    }

    [Fact]
    public async Task Report_RepeatedAndEqual_ChangesNothing()
    {
        var run = await Held(step: 3);

        var decision = run.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Step = run.Session.Reports[2][0].Clone() }));

        Assert.Empty(decision.Events);
        Assert.Equal(JobState.Running, run.Record.State);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(36, 35)]
    [InlineData(36, 4)]
    public async Task Report_RepeatedAndUnequal_FailsTheJobNamingTheWorker(ulong held, ulong step)
    {
        var run = await Held(held);
        var repeated = run.Session.Reports[step][0].Clone();
        repeated.GradNorm += 1;

        run.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Step = repeated }));

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Matches($"nondeterminism detected: worker-0 reported step {step} twice", run.Record.Reason);
    }

    [Fact]
    public async Task Reports_OfStepsLongCommitted_AreNotKept()
    {
        var run = await Held(step: 36);

        Assert.Equal(Enumerable.Range(4, 32).Select(step => (ulong)step), run.Session.Reports.Keys.Order());
    }

    [Fact]
    public async Task Evaluation_OlderThanTheNewest_IsDroppedAndCounted()
    {
        var run = await Held(step: 25);
        var older = run.Session.Evaluations[20].Values.First().Clone();
        older.Step = 0;

        Assert.Empty(run.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Evaluation = older })).Events);

        Assert.Equal(1, run.Session.StaleMessages);
    }

    [Fact]
    public async Task Life_WithoutEvaluationData_AsksForNoEvaluation()
    {
        var run = await Run(new FakeWorkers(1), "data.eval=null");

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.All(Windows(run), window => Assert.False(window.EvaluateBefore));
        Assert.Empty(run.Journal.OfType<StepEvaluated>());
    }

    [Fact]
    public async Task Replicas_ThatHoldDifferentStates_FailTheJobNamingThem()
    {
        var run = await Run(
            new FakeWorkers(2) { Alter = (worker, report) => Altered(report, r => r.StateHash = r.Step == 7 && worker == FakeWorkers.Key(1) ? ByteString.CopyFromUtf8("another state...") : r.StateHash) },
            "layout={replicas: 2, stages: 1}");

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Equal("nondeterminism detected: after step 7 the replicas of stage 0 hold different states (worker-0 against worker-1).", run.Record.Reason);
        Assert.Equal(6UL, run.Record.CommittedStep);
    }

    [Fact]
    public async Task MicroBatch_ThatNobodyReports_FailsTheJob()
    {
        var run = await Run(new FakeWorkers(1) { Alter = (_, report) => Altered(report, r => r.Losses.RemoveAt(3)) });

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Matches("step 1 do not hold each of its 8 micro-batches exactly once", run.Record.Reason);
    }

    [Fact]
    public async Task SkippedSteps_TooManyInARow_FailTheJobWithTheReason()
    {
        var run = await Run(new FakeWorkers(1) { Alter = (_, report) => Altered(report, r => r.Applied = r.Step is < 3 or 5) }, "training.max_skipped_steps=4");

        // The fake workers have acted on their whole window when they are told to hold.
        Assert.Equal((JobState.Failed, 32UL), (run.Record.State, run.Record.CommittedStep));
        Assert.Equal(9UL, run.Journal.TakeWhile(happened => happened is not FailureDecided).OfType<StepCommitted>().Last().Step);
        Assert.Equal(32UL, run.Checkpoints[^1].Step);
        Assert.Matches("^4 steps in a row, up to step 9, were skipped because a gradient was not finite", run.Record.Reason);
    }

    [Theory]
    [InlineData("training.max_skipped_steps=8")]
    [InlineData("training.max_skipped_steps=1000")]
    public async Task SkippedSteps_AllOfThem_FailTheJobAndPointAtTheModel(string limit)
    {
        var run = await Run(new FakeWorkers(1) { Alter = (_, report) => Altered(report, r => r.Applied = false) }, limit);

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Matches("skipped because a gradient was not finite: it is so from the first step on, so look at the model's weights", run.Record.Reason);
        Assert.Empty(run.Journal.OfType<JobSucceeded>());
    }

    [Fact]
    public async Task Evaluation_BeforeTheFirstStepThatIsNotFinite_FailsTheJob()
    {
        var run = await Run(new FakeWorkers(1) { EvaluationLoss = _ => double.NaN });

        Assert.Equal((JobState.Failed, 0UL), (run.Record.State, run.Record.CommittedStep));
        Assert.StartsWith("The evaluation before step 1 came to no finite loss", run.Record.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SkippedSteps_NoneTolerated_FailTheJobAtTheFirstOneOnly()
    {
        var run = await Run(new FakeWorkers(1) { Alter = (_, report) => Altered(report, r => r.Applied = r.Step != 3) }, "training.max_skipped_steps=0");

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Equal(3UL, run.Journal.TakeWhile(happened => happened is not FailureDecided).OfType<StepCommitted>().Last().Step);
        Assert.Equal(32UL, run.Checkpoints[^1].Step);
        Assert.Matches("^1 step in a row, up to step 3, was skipped because", run.Record.Reason);
    }

    [Fact]
    public async Task Worker_ThatFails_FailsTheJobWithItsSentence()
    {
        var run = await Held(step: 3);
        var failure = new WorkerFailure { Scope = run.Session.Reports[2][0].Scope, Failure = new Failure { Code = ErrorCode.ResourceExhausted, Message = "no memory." } };

        run.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Failure = failure }));

        Assert.Equal("worker-0 failed at step 3: no memory.", run.Record.Reason);
        Assert.Equal(["finish "], LastEvents(run));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(1)]
    public async Task Evaluation_ReportedInParts_IsCompleteWithTheLastOne(int samples)
    {
        var run = await Run(new FakeWorkers(1) { EvaluationPart = samples });

        Assert.Equal([0UL, 20UL, 40UL], run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step));
        Assert.All(run.Journal.OfType<StepEvaluated>(), evaluation => Assert.Equal(12UL, evaluation.LabelTokens));
        Assert.Equal([40UL], run.Session.Evaluations.Keys);
        Assert.Equal(JobState.Succeeded, run.Record.State);
    }

    [Fact]
    public async Task Worker_LostThatServesNobody_ChangesNothing()
    {
        var run = await Held(step: 3);

        Assert.Empty(run.One(new WorkerLost(new WorkerKey("worker-9", 1), "its process ended")).Events);
    }

    [Fact]
    public async Task Spare_ThatCannotStart_LeavesThePlacedJobAlone()
    {
        var run = await Held(step: 3);

        var decision = run.One(new FleetUnavailable("worker-1 ended again and again."));

        Assert.Empty(decision.Events);
        Assert.Empty(decision.Effects);
        Assert.Equal("goes on without a spare worker: worker-1 ended again and again", decision.Note);
        run.Tell(Report(run, 3, _ => { }));
        Assert.Equal((JobState.Running, 3UL), (run.Record.State, run.Record.CommittedStep));
    }

    [Fact]
    public async Task Worker_ThatCannotStart_FailsTheJobThatWaits()
    {
        var run = await Run(new FakeWorkers(1), "resources.workers=2");
        Assert.Equal(JobState.Planning, run.Record.State);

        run.One(new FleetUnavailable("worker-1 ended again and again."));

        Assert.Equal((JobState.Failed, "worker-1 ended again and again."), (run.Record.State, run.Record.Reason));
        Assert.Empty(run.One(new FleetUnavailable("worker-1 ended again and again.")).Events);
    }

    [Fact]
    public async Task Cancel_WhileTheAdapterIsWritten_ComesTooLate()
    {
        var run = await Prepare(new FakeWorkers(1));
        var asked = 0;
        run.Before = r =>
        {
            if (r.Record.State == JobState.Finishing && asked++ == 0)
            {
                Assert.Empty(r.One(new CancelJob { Job = "job-1" }).Events);
            }
        };
        run.Submit();

        Assert.True(asked > 0);
        Assert.Equal(JobState.Succeeded, run.Record.State);
    }

    /// <summary>The last state is durable: whatever becomes of the workers, the adapter is made of it.</summary>
    [Fact]
    public async Task Worker_FailingWhileTheAdapterIsWritten_EndsNothing()
    {
        var run = await Prepare(new FakeWorkers(1));
        var told = 0;
        run.Before = r =>
        {
            if (r.Record.State == JobState.Finishing && r.Record.LastCheckpoint == r.Record.StepsPlanned && told++ == 0)
            {
                var scope = new JobScope { Job = "job-1", Generation = 1, Fence = r.Record.Fence };
                var failed = r.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Failure = new WorkerFailure { Scope = scope, Failure = new Failure { Code = ErrorCode.BadData, Message = "No memory." } } }));
                Assert.Empty(failed.Events);
                Assert.Contains("No memory.", failed.Note, StringComparison.Ordinal);
            }
        };
        run.Submit();

        Assert.True(told > 0);
        Assert.Equal(JobState.Succeeded, run.Record.State);
    }

    [Fact]
    public async Task Workers_OfAnotherThreadCount_AreNotUsedAndTheJobSaysWhyItWaits()
    {
        var run = await Run(new FakeWorkers(2), "resources.compute_threads=2");

        Assert.Equal(JobState.Planning, run.Record.State);
        Assert.Matches("waits for a worker with 2 compute threads", run.Record.Reason);
        Assert.Empty(run.Sent);
    }

    [Theory]
    [InlineData(1, "numeric class avx512 with 2 compute threads; the attached ones are of cpu/avx2/libtorch-2.10/kernels-1/threads-1, and no other will come: the only worker of this run is attached.")]
    [InlineData(2, "numeric class avx512 with 2 compute threads; the attached ones are of cpu/avx2/libtorch-2.10/kernels-1/threads-1, and no other will come: all 2 workers of this run are attached.")]
    public async Task Workers_AllAttachedAndNoneOfTheClass_FailTheJob(int workers, string sentence)
    {
        var run = await Run(new FakeWorkers(workers), "resources.compute_threads=2", "resources.numeric_class=avx512");
        run.One(new FleetLimit(workers + 1));
        Assert.Equal(JobState.Planning, run.Record.State);

        run.One(new FleetLimit(workers));

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Equal($"The job waits for a worker of {sentence}", run.Record.Reason);
        Assert.False(run.Record.IsInvalid);
    }

    [Fact]
    public async Task Workers_FewerThanWillCome_LetTheJobWait()
    {
        var run = await Prepare(new FakeWorkers(1), "resources.workers=2");
        run.One(new FleetLimit(2));
        run.Submit();

        Assert.Equal(JobState.Planning, run.Record.State);
        Assert.EndsWith("1 worker of cpu/avx2/libtorch-2.10/kernels-1/threads-1 is attached; 1 more is starting.", run.Record.Reason, StringComparison.Ordinal);
        run.Tell(new FakeWorkers(2).Fleet);
        Assert.NotEmpty(run.Sent);
        Assert.Empty(run.Record.Reason);
    }

    [Fact]
    public async Task Layout_ThatNoFleetCouldServe_IsAnInvalidRequest()
    {
        var run = await Run(new FakeWorkers(2), "layout={replicas: 1, stages: 99}");

        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.True(run.Record.IsInvalid);
        Assert.DoesNotContain(run.Journal, happened => happened is JobPrepared);
    }

    [Fact]
    public async Task Plan_SaysWhatOfTheRequestHasNoEffectAndWhichRowsAreLost()
    {
        var run = await Run(new FakeWorkers(1), "adapter.exclude_modules=[no_such_proj]", "data.max_length=6", "data.truncation=right");

        var findings = System.Text.Json.Nodes.JsonNode.Parse(run.Plan)!["findings"]!.AsArray().Select(finding => (string?)finding!["message"]).ToList();
        Assert.Contains(findings, message => message!.EndsWith("excludes nothing.", StringComparison.Ordinal));
        Assert.Contains("data.train: 64 of 64 rows are cut to data.max_length = 6; the longest, train.jsonl, line 1, has 8 tokens.", findings);
        Assert.Contains("data.eval: 6 of 6 rows are cut to data.max_length = 6; the longest, eval.jsonl, line 1, has 8 tokens.", findings);
    }

    [Fact]
    public async Task Stage_IsToldItsOwnTensorsAndModulesOnly()
    {
        var run = await Run(new FakeWorkers(2), "layout={replicas: 1, stages: 2}");

        var stages = run.Sent.Where(message => message.Message.LoadStage is not null).Select(message => message.Message.LoadStage.Stage).ToList();
        Assert.Equal([true, false], stages.Select(stage => stage.Embedding));
        Assert.Equal(stages[0].LastLayer + 1, stages[1].FirstLayer);
        Assert.All(stages, stage => Assert.All(stage.Adapter, module =>
            Assert.InRange(uint.Parse(module.Module.Split('.')[2], System.Globalization.CultureInfo.InvariantCulture), stage.FirstLayer, stage.LastLayer)));
        Assert.Equal(run.Session.Material!.Modules.Count, stages.Sum(stage => stage.Adapter.Count));
    }

    private static IEnumerable<StepWindow> Windows(PureRun run) => run.Sent.Select(message => message.Message.Window).OfType<StepWindow>();

    /// <summary>Event and worker of each line that the last event of the journal leaves in events.jsonl.</summary>
    private static IEnumerable<string> LastEvents(PureRun run) => RunLines.Events("job-1", run.Record, run.Journal[^1])
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Select(line => $"{line.GetProperty("event").GetString()} {line.GetProperty("worker").GetString()}");

    private static StepReport Altered(StepReport report, Action<StepReport> change)
    {
        change(report);
        return report;
    }

    /// <summary>A run of one worker whose reports stop before a step.</summary>
    private async Task<PureRun> Held(ulong step) =>
        await Run(new FakeWorkers(1) { Alter = (_, report) => report.Step < step ? report : null });

    private static FromWorker Report(PureRun run, ulong step, Action<StepReport> change)
    {
        var ordered = run.Session.OpenSteps[step];
        var report = run.Session.Reports[step - 1][0].Clone();
        report.Step = step;
        report.Losses[0].LabelTokens = ordered.LabelTokens;
        foreach (var loss in report.Losses)
        {
            loss.Samples = SampleHash.Of(step, loss.MicroBatch, ordered.MicroBatches[(int)loss.MicroBatch].Samples);
        }

        change(report);
        return new FromWorker(FakeWorkers.Key(0), new WorkerMessage { Step = report });
    }

    private async Task<PureRun> Run(FakeWorkers workers, params string[] set)
    {
        var run = await Prepare(workers, set);
        run.Submit();
        return run;
    }

    private async Task<PureRun> Prepare(FakeWorkers workers, params string[] set) => await Prepare(workers, set, _ => 0);

    private async Task<PureRun> Prepare(FakeWorkers workers, string[] set, Func<IReadOnlyList<object>, int> next)
    {
        var request = _job.Request(set);
        return new PureRun(await _job.MaterialAsync(request), request, workers) { Next = next };
    }
}
