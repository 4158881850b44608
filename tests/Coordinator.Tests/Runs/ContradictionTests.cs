using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Reports that cannot all be true end a job with the sentence that says why.</summary>
public sealed class ContradictionTests : IDisposable
{
    private const string TwoReplicas = "layout={replicas: 2, stages: 1}";
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task LabelTokens_ThatDoNotAddUp_FailTheJob(int more)
    {
        var run = await Run(report => report.Losses.Where(loss => loss.MicroBatch == 0).ToList().ForEach(loss => loss.LabelTokens = (ulong)((long)loss.LabelTokens + more)));

        AssertFailed(run, $"The reports of step 3 count {32 + more} label tokens where the data has 32.");
    }

    [Fact]
    public async Task Verdict_ThatAReportContradicts_FailsTheJobNamingBoth()
    {
        var run = await Run(report => report.Applied = report.Place.Replica == 0);

        AssertFailed(run, "nondeterminism detected: worker-0 and worker-1 acted on different verdicts of step 3.");
    }

    [Fact]
    public async Task Norm_ThatDiffersInItsLastBit_FailsTheJobNamingBoth()
    {
        var run = await Run(report => report.GradNorm = report.Place.Replica == 0 ? report.GradNorm : Math.BitIncrement(report.GradNorm));

        AssertFailed(run, "nondeterminism detected: worker-0 and worker-1 acted on different verdicts of step 3.");
    }

    [Fact]
    public async Task Norm_ThatIsNoNumberForAll_IsASkippedStepAndNoContradiction()
    {
        var run = await Run(report => (report.Applied, report.GradNorm) = (false, double.NaN));

        Assert.Equal(JobState.Succeeded, run.Record.State);
        Assert.Equal([3UL], run.Journal.OfType<StepCommitted>().Where(step => !step.Applied).Select(step => step.Step));
    }

    [Fact]
    public async Task MicroBatch_ThatComesTwice_FailsTheJob()
    {
        var run = await Run(report =>
        {
            report.Losses.Add(new MicroBatchLoss { MicroBatch = 0, LossSum = 99 });
        });

        AssertFailed(run, "The reports of step 3 do not hold each of its 8 micro-batches exactly once.");
    }

    [Fact]
    public async Task Losses_ThatDiffer_FailTheJobNamingBoth()
    {
        var run = await Run(report => report.Losses[4].LossSum += report.Place.Replica == 1 ? 1e-15 : 0);

        AssertFailed(run, "nondeterminism detected: worker-0 and worker-1 report different losses of step 3.");
    }

    [Fact]
    public async Task MicroBatch_OfOtherSamples_FailsTheJobNamingTheWorker()
    {
        var run = await Run(report => report.Losses[4].Samples++);

        AssertFailed(run, "Micro-batch 4 of step 3 was made of other samples than it was ordered with, says worker-0: its shard or its memory is damaged.");
    }

    [Fact]
    public async Task StateHash_ThatIsNone_FailsTheJobNamingTheWorker()
    {
        var run = await Run(report => report.StateHash = report.Place.Replica == 1 ? Google.Protobuf.ByteString.Empty : report.StateHash);

        AssertFailed(run, "The report of step 3 by worker-1 has no state hash of 16 bytes.");
    }

    [Fact]
    public async Task EvaluationSample_OfWhichTwoWorkersReportDifferentLosses_FailsTheJob()
    {
        var run = await Run(_ => { }, last: 3);
        Tell(run, 0, (0, 1.0), (1, 2.0));
        Tell(run, 1, (0, 1.0));
        Assert.Equal(JobState.Running, run.Record.State);

        Tell(run, 1, (1, 2.5), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0));

        AssertFailed(run, "nondeterminism detected: two workers report different losses of evaluation sample 1. (evaluation after step 20)", committed: 3);
    }

    [Fact]
    public async Task EvaluationReport_RepeatedAndUnequal_FailsTheJobNamingTheWorker()
    {
        var run = await Run(_ => { }, last: 3);
        Tell(run, 1, (0, 1.0));
        Tell(run, 1, (0, 1.0));
        Assert.Equal(JobState.Running, run.Record.State);

        Tell(run, 1, (0, 1.5));

        AssertFailed(run, "nondeterminism detected: worker-1 reported the evaluation after step 20 twice and not the same.", committed: 3);
    }

    private static void AssertFailed(PureRun run, string reason, ulong committed = 2)
    {
        Assert.Equal((JobState.Failed, reason), (run.Record.State, run.Record.Reason));
        Assert.Equal(committed, run.Record.CommittedStep);
    }

    private static void Tell(PureRun run, int worker, params (uint Sample, double Loss)[] losses)
    {
        var report = new EvaluationReport { Scope = run.Session.Reports[1][0].Scope, Step = 20 };
        report.Losses.AddRange(losses.Select(loss => new SampleLoss { Sample = loss.Sample, LossSum = loss.Loss, LabelTokens = 2 }));
        run.One(new Orchestrator.Coordinator.Membership.FromWorker(FakeWorkers.Key(worker), new WorkerMessage { Evaluation = report }));
    }

    /// <summary>A run of two replicas whose reports of step 3 are changed and stop after a step.</summary>
    private async Task<PureRun> Run(Action<StepReport> change, ulong last = ulong.MaxValue)
    {
        var request = _job.Request(TwoReplicas);
        var workers = new FakeWorkers(2)
        {
            Alter = (_, report) =>
            {
                if (report.Step == 3)
                {
                    change(report);
                }

                return report.Step <= last ? report : null;
            },
        };
        var run = new PureRun(await _job.MaterialAsync(request), request, workers);
        run.Submit();
        return run;
    }
}
