using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Errors of the program inside a decision end the job, and nothing else.</summary>
public sealed class JobLifeFaultTests : IDisposable
{
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    /// <summary>Material that was made wrongly: placing the job on it is an error of the program.</summary>
    [Fact]
    public async Task Placing_ThatThrows_FailsTheJobOnceAndForAll()
    {
        var request = _job.Request();
        var run = new PureRun(await _job.MaterialAsync(request) with { Modules = null! }, request, new FakeWorkers(0));
        run.Submit();
        Assert.Equal(JobState.Planning, run.Record.State);

        var decision = run.One(new FakeWorkers(1).Fleet);

        Assert.IsType<NullReferenceException>(decision.Fault);
        Assert.IsType<JobFailed>(Assert.Single(decision.Events));
        Assert.IsType<JobEffect.End>(Assert.Single(decision.Effects));
        Assert.Equal(JobState.Failed, run.Record.State);
        Assert.Matches("^The job failed before step 1 by an error of the program: [^\\n]+\\.$", run.Record.Reason);
        Assert.True(JobReport.Status(run.Record, run.Session).Fault);
        Assert.Empty(run.One(new FakeWorkers(1).Fleet).Events);
    }

    /// <summary>A session that is broken where the accounts of workers come from: the decision throws, and so would its report.</summary>
    [Fact]
    public async Task Fault_ThatSpoilsTheAccountsToo_StillFailsTheJobAndFreesItsWorkers()
    {
        var run = await Held(step: 3);
        var report = Report(run, 3, changed => changed.Totals = new WorkerTotals());
        var broken = run.Session with { Totals = null! };
        Assert.Throws<ArgumentNullException>(() => JobReport.Accounts(run.Record, broken).ToList());

        var decision = JobLife.Decide(run.Record, broken, report, DateTimeOffset.UnixEpoch);

        Assert.IsType<NullReferenceException>(decision.Fault);
        var failed = Assert.IsType<JobFailed>(Assert.Single(decision.Events));
        Assert.True(failed.Fault);
        Assert.Empty(failed.Workers);
        Assert.Matches("^The job failed at step 3 by an error of the program: [^\\n]+\\.$", failed.Reason);
        Assert.Equal(JobState.Failed, decision.Record.State);
        Assert.IsType<JobEffect.End>(decision.Effects[^1]);
        Assert.Single(decision.Effects.OfType<JobEffect.Send>(), send => send.Message.Message.BodyCase == CoordinatorMessage.BodyOneofCase.Release);
    }

    /// <summary>Accounts that break after the first one: a part of them says nothing.</summary>
    [Fact]
    public async Task Fault_ThatSpoilsOneAccount_LeavesNone()
    {
        var run = await Run(new FakeWorkers(2) { Alter = (_, report) => report.Step < 3 ? report : null }, "layout={replicas: 2, stages: 1}");
        var broken = run.Session with { Totals = ImmutableDictionary.Create<WorkerKey, WorkerTotals>(new BreaksAt(FakeWorkers.Key(1))).Add(FakeWorkers.Key(0), new WorkerTotals()) };
        var report = run.Session.Reports[2][1].Clone();
        report.Step = 3;

        var decision = JobLife.Decide(run.Record, broken, new FromWorker(FakeWorkers.Key(1), new WorkerMessage { Step = report }), DateTimeOffset.UnixEpoch);

        Assert.Equal("worker-0", JobReport.Accounts(run.Record, broken).First().Worker);
        var failed = Assert.IsType<JobFailed>(Assert.Single(decision.Events));
        Assert.True(failed.Fault);
        Assert.Empty(failed.Workers);
    }

    private sealed class BreaksAt(WorkerKey key) : IEqualityComparer<WorkerKey>
    {
        public bool Equals(WorkerKey left, WorkerKey right) => left == right;

        public int GetHashCode(WorkerKey worker) => worker == key ? throw new InvalidOperationException("broken") : worker.GetHashCode();
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
        var request = _job.Request(set);
        var run = new PureRun(await _job.MaterialAsync(request), request, workers);
        run.Submit();
        return run;
    }
}
