using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Checkpoints, Ctrl-C and going on, as decisions.</summary>
public sealed class JobCheckpointingTests : IDisposable
{
    private const string TwoByTwo = "layout={replicas: 2, stages: 2}";
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    [Theory]
    [InlineData("0.25", "10 20 30 40")]
    [InlineData("15", "15 30 40")]
    [InlineData("99", "40")]
    public async Task Checkpoints_AreMadeAtTheStepsThatTheJobSaysAndAtTheEnd(string saveSteps, string expected)
    {
        var run = await RunAsync(new FakeWorkers(4), null, TwoByTwo, $"training.save_steps={saveSteps}");

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.Equal(expected, string.Join(' ', run.Journal.OfType<CheckpointWritten>().Select(written => written.Step)));
        var last = run.Checkpoints[^1];
        var layers = run.Session.Material!.Model.Spec.NumLayers;
        Assert.Equal(Enumerable.Range(0, (int)layers).Select(layer => (uint)layer), last.Blobs.Select(blob => blob.Layer));
        Assert.Equal(
            (40UL, run.Record.JobHash, 1UL, 1UL, 40UL * 8, 5.0, 40UL * 64),
            (last.Step, last.JobHash, last.Generation, last.Fence, last.SamplesTaken, last.Epoch, last.Tokens));
        Assert.Equal([0UL, 20UL, 20UL], new[] { last.FirstEvaluation, last.LastEvaluation, last.BestEvaluation }.Select(evaluation => evaluation.Step));
    }

    /// <summary>Skips in a row and the best evaluation outlive the run: both are in the manifest, and a run that goes on counts on from them.</summary>
    [Fact]
    public async Task Checkpoint_AfterSkippedStepsAndAWorseEvaluation_KeepsBothForTheRunThatGoesOn()
    {
        static FakeWorkers Workers() => new(1)
        {
            EvaluationLoss = step => step == 10 ? 1 : 2,
            Alter = (_, report) =>
            {
                report.Applied = report.Step is not (29 or 30);
                return report;
            },
        };
        string[] set = ["training.eval_steps=10", "training.save_steps=10", "training.max_skipped_steps=9"];
        var run = await RunAsync(Workers(), null, set);
        var checkpoint = run.Checkpoints.Single(made => made.Step == 30);
        Assert.Equal((2U, 10UL, 20UL), (checkpoint.SkippedInARow, checkpoint.BestEvaluation.Step, checkpoint.LastEvaluation.Step));

        var on = await RunAsync(Workers(), new ResumePoint { Checkpoint = checkpoint }, set);
        Assert.Equal((JobState.Succeeded, 10UL), (on.Record.State, on.Record.BestEvaluation?.Step));

        var skipping = await RunAsync(
            new FakeWorkers(1) { Alter = (_, report) => { report.Applied = false; return report; } }, new ResumePoint { Checkpoint = checkpoint }, "training.max_skipped_steps=4");
        Assert.Matches("^4 steps in a row, up to step 32, were skipped", skipping.Record.Reason);
    }

    /// <summary>What the manifest says is of its step, also when its parts come when the job is far ahead.</summary>
    [Fact]
    public async Task Checkpoint_WhoseStatesComeLate_SaysWhatWasTrueAtItsStep()
    {
        PureRun? run = null;
        run = await PrepareAsync(
            new FakeWorkers(4),
            null,
            waiting => run!.Record.CommittedStep > 27 ? 0 : Math.Max(0, waiting.ToList().FindIndex(message => message is not FromWorker { Message.StateSaved: not null })),
            TwoByTwo, "training.save_steps=10", "training.eval_steps=5");
        run.Submit();

        var checkpoint = run.Checkpoints.Single(made => made.Step == 10);
        Assert.Equal((80UL, 640UL, 5UL), (checkpoint.SamplesTaken, checkpoint.Tokens, checkpoint.LastEvaluation.Step));
        Assert.Equal([10UL, 20UL, 30UL, 40UL], run.Checkpoints.Select(made => made.Step));
    }

    [Fact]
    public async Task State_OfAStepThatHasItsCheckpoint_IsDroppedAndCounted()
    {
        var run = await RunAsync(new FakeWorkers(1) { Alter = (_, report) => report.Step < 25 ? report : null }, null);
        var repeated = new StateSaved { Scope = run.Session.Reports[24][0].Scope, Place = new Place(), Step = 20 };

        Assert.Empty(run.One(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { StateSaved = repeated })).Events);

        Assert.Equal(1, run.Session.StaleMessages);
    }

    [Fact]
    public async Task Cancel_WhileRunning_HoldsTheFirstWorkerAndEndsWithACheckpointOfItsStep()
    {
        var run = await PrepareAsync(new FakeWorkers(4), null, _ => 0, TwoByTwo);
        run.Before = r => CancelAt(r, 7);
        run.Submit();

        // The fake workers have acted on their whole window when they are told to hold.
        Assert.Equal((JobState.Cancelled, 32UL), (run.Record.State, run.Record.CommittedStep));
        Assert.Equal(["worker-0"], run.Sent.Where(message => message.Message.Hold is not null).Select(message => message.Key.WorkerId));
        Assert.Equal([("worker-0", 32UL), ("worker-1", 32UL)], run.Sent.Where(message => message.Message.SaveState is not null).Select(message => (message.Key.WorkerId, message.Message.SaveState.Step)));
        Assert.Equal([10UL, 20UL, 30UL, 32UL], run.Checkpoints.Select(checkpoint => checkpoint.Step));
        Assert.Single(run.Journal.OfType<WindowOpened>());
    }

    [Fact]
    public async Task Cancel_WhereTheWorkersHoldAtAStepThatIsSavedAnyway_WaitsForThatCheckpoint()
    {
        var run = await PrepareAsync(new FakeWorkers(1), null, _ => 0, "training.save_steps=16");
        run.Before = r => CancelAt(r, 7);
        run.Submit();

        Assert.Equal((JobState.Cancelled, 32UL), (run.Record.State, run.Record.CommittedStep));
        Assert.DoesNotContain(run.Sent, message => message.Message.SaveState is not null);
        Assert.Equal([16UL, 32UL], run.Checkpoints.Select(checkpoint => checkpoint.Step));
    }

    [Fact]
    public async Task Cancel_BeforeAnyStep_EndsWithoutACheckpoint()
    {
        var run = await RunAsync(new FakeWorkers(1) { Alter = (_, _) => null }, null);
        run.Tell(new CancelJob { Job = "job-1" });

        Assert.Equal(JobState.Cancelled, run.Record.State);
        Assert.Empty(run.Checkpoints);
    }

    [Fact]
    public async Task Cancel_InTheLastEvaluation_EndsTheJobOnceTheLastStepHasItsCheckpoint()
    {
        var run = await PrepareAsync(new FakeWorkers(1), null, waiting => waiting.ToList().FindIndex(message => message is not FromWorker { Message.Evaluation.Step: 40 }) is var next and >= 0 ? next : 0);
        run.Before = r => CancelAt(r, 40);
        run.Submit();

        Assert.Equal(JobState.Cancelled, run.Record.State);
        Assert.Equal((20UL, 40UL), (run.Record.LastEvaluation?.Step, run.Checkpoints[^1].Step));
    }

    [Fact]
    public async Task Adapter_IsMadeOfTheLastStepsCheckpointOnceThatExists()
    {
        var run = await RunAsync(new FakeWorkers(1) { SavesStates = false }, null);
        Assert.Equal(JobState.Finishing, run.Record.State);

        var state = new StateSaved { Scope = run.Session.Reports[40][0].Scope, Place = new Place(), Step = 40 };
        state.Blobs.AddRange(Enumerable.Range(0, (int)run.Session.Material!.Model.Spec.NumLayers).Select(layer => new StateBlob { Layer = (uint)layer }));
        run.Tell(new FromWorker(FakeWorkers.Key(0), new WorkerMessage { StateSaved = state }));

        Assert.Equal(JobState.Succeeded, run.Record.State);
    }

    [Fact]
    public async Task Resume_FromACheckpoint_BeginsAtTheNextStepWithItsNumbers()
    {
        var quiet = await RunAsync(new FakeWorkers(2), null, "layout={replicas: 2, stages: 1}");
        var checkpoint = quiet.Checkpoints.Single(made => made.Step == 30);
        var run = await RunAsync(new FakeWorkers(2), new ResumePoint { Checkpoint = checkpoint }, "layout={replicas: 1, stages: 2}");

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.Equal(Enumerable.Range(31, 10).Select(step => (ulong)step), run.Journal.OfType<StepCommitted>().Select(step => step.Step));
        Assert.Equal(Steps(quiet).Skip(30), Steps(run));
        Assert.Equal((2UL, checkpoint.ComputeDtype), (run.Record.Placement!.Generation, run.Record.Placement.ComputeDtype));
        Assert.Equal([40UL], run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step));
        Assert.Equal((quiet.Record.TokensTrained, quiet.Record.SecondsTrained), (run.Record.TokensTrained, run.Record.SecondsTrained));
        Assert.Equal(quiet.Record.FirstEvaluation, run.Record.FirstEvaluation);
        var loads = run.Sent.Select(message => message.Message.LoadStage).OfType<LoadStage>().ToList();
        Assert.All(loads, load => Assert.Equal(load.Stage.Adapter.Select(module => module.Layer).Distinct(), load.State.Blobs.Select(blob => blob.Layer)));
        Assert.All(loads, load => Assert.Equal((30UL, Path.Combine(_job.Output, "checkpoints", "step-30")), (load.State.Step, load.State.Folder)));
        Assert.Equal([(1UL, 30UL, 2U, 1U), (31UL, 40UL, 1U, 2U)], run.Checkpoints[^1].Layouts.Select(layout => (layout.FirstStep, layout.LastStep, layout.Replicas, layout.Stages)));
    }

    /// <summary>A checkpoint is made when its step is committed, before the evaluation after it: that one is made again.</summary>
    [Theory]
    [InlineData(20, "20 40")]
    [InlineData(30, "40")]
    [InlineData(40, "40")]
    public async Task Resume_FromACheckpointOfAStepThatIsEvaluated_EvaluatesItFirst(ulong step, string evaluations)
    {
        var quiet = await RunAsync(new FakeWorkers(1), null);
        var run = await RunAsync(new FakeWorkers(1), new ResumePoint { Checkpoint = quiet.Checkpoints.Single(made => made.Step == step) });

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.Equal(evaluations, string.Join(' ', run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step)));
        Assert.Equal((int)(40 - step), run.Journal.OfType<StepCommitted>().Count());
    }

    [Fact]
    public async Task Resume_WithoutACheckpoint_BeginsAtStepOne()
    {
        var run = await RunAsync(new FakeWorkers(1), new ResumePoint { Damaged = { "The checkpoint step-4 cannot be used: it is damaged." } });

        Assert.Equal(40, run.Journal.OfType<StepCommitted>().Count());
        Assert.Equal([0UL, 20UL, 40UL], run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step));
    }

    [Fact]
    public async Task Resume_OfAFinishedRun_SaysSoAndDoesNothing()
    {
        var point = new ResumePoint { Finished = true, FirstEvaluation = new EvaluationPoint { Step = 0, Loss = 5 }, LastEvaluation = new EvaluationPoint { Step = 40, Loss = 1 } };
        var run = await RunAsync(new FakeWorkers(1), point);

        var status = JobReport.Status(run.Record, run.Session);
        Assert.Equal((JobState.Succeeded, 40UL, 5.0, 1.0), (status.State, status.Step, status.EvalLossBefore, status.EvalLossAfter));
        Assert.Equal("The run is finished already, with all its 40 steps: nothing is left to do.", status.Reason);
        Assert.Empty(run.Sent);
    }

    [Fact]
    public async Task Resume_OnWorkersOfAnotherClass_IsRefusedWithTheSentence()
    {
        var run = await OnAnotherClassAsync();

        Assert.Equal((JobState.Failed, true), (run.Record.State, run.Record.IsInvalid));
        Assert.Matches("computed in numeric class cpu/avx512/.*, and here are only workers of cpu/avx2/.*allow_class_change: true", run.Record.Reason);
        Assert.Empty(run.Sent);
    }

    [Fact]
    public async Task Resume_OnAnotherClassThatIsAllowed_GoesOnAndSaysThatTheClassChanged()
    {
        var run = await OnAnotherClassAsync("allow_class_change=true");

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.All(run.Checkpoints, checkpoint => Assert.True(checkpoint.ClassChanged));

        // For ever, also back on the first class.
        var again = await RunAsync(new FakeWorkers(1), new ResumePoint { Checkpoint = run.Checkpoints[0] });
        Assert.True(again.Checkpoints[^1].ClassChanged);
    }

    /// <summary>A worker that cannot run as the class wants it (say, without its instructions) never attaches.</summary>
    [Fact]
    public async Task Resume_WhereNoWorkerOfTheClassCanStart_IsRefusedWithTheReason()
    {
        var quiet = await RunAsync(new FakeWorkers(1), null);
        var run = await RunAsync(new FakeWorkers(0), new ResumePoint { Checkpoint = quiet.Checkpoints[0] });
        run.One(new FleetUnavailable("worker-0 ended again and again."));

        Assert.True(run.Record.IsInvalid);
        Assert.Matches("^worker-0 ended again and again; the run needs a worker of numeric class cpu/avx2/", run.Record.Reason);
    }

    private async Task<PureRun> OnAnotherClassAsync(params string[] set)
    {
        var quiet = await RunAsync(new FakeWorkers(1), null);
        var checkpoint = quiet.Checkpoints[0].Clone();
        checkpoint.NumericClass.InstructionPath = "avx512";
        var run = await PrepareAsync(new FakeWorkers(1), new ResumePoint { Checkpoint = checkpoint }, _ => 0, set);
        run.One(new FleetLimit(1));
        run.Submit();
        return run;
    }

    private static void CancelAt(PureRun run, ulong step)
    {
        if (run.Record is { CancelRequested: false, State: JobState.Running } && run.Record.CommittedStep == step)
        {
            run.One(new CancelJob { Job = "job-1" });
        }
    }

    private static IEnumerable<(ulong Step, double Loss, double GradNorm, double LearningRate, double Epoch)> Steps(PureRun run) =>
        run.Journal.OfType<StepCommitted>().Select(step => (step.Step, step.Loss, step.GradNorm, step.LearningRate, step.Epoch));

    private async Task<PureRun> RunAsync(FakeWorkers workers, ResumePoint? resume, params string[] set)
    {
        var run = await PrepareAsync(workers, resume, _ => 0, set);
        run.Submit();
        return run;
    }

    private async Task<PureRun> PrepareAsync(FakeWorkers workers, ResumePoint? resume, Func<IReadOnlyList<object>, int> next, params string[] set)
    {
        var request = _job.Request(set);
        return new PureRun(await _job.MaterialAsync(request), request, workers) { Next = next, Resume = resume };
    }
}
