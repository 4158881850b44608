using Microsoft.Extensions.Time.Testing;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class ProgressTests
{
    [Fact]
    public async Task PlainView_ManySteps_WritesOneLineASecondAndEveryEvaluation()
    {
        var time = new FakeTimeProvider();
        await using var writer = new StringWriter();
        await new PlainView(writer, time).ShowAsync(show =>
        {
            for (ulong step = 1; step <= 40; step++)
            {
                var status = new JobStatus { State = JobState.Running, Step = step, StepsPlanned = 100, Loss = 1.5 };
                if (step >= 20) status.EvalLoss = 2.25;
                show(status);
                time.Advance(TimeSpan.FromMilliseconds(100));
            }

            return Task.FromResult(0);
        });
        var lines = writer.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1, lines.Count(line => line == "running"));
        Assert.Equal(4, lines.Count(line => line.Contains("loss 1.5000", StringComparison.Ordinal)));
        Assert.Equal(1, lines.Count(line => line == "step 20/100  eval loss 2.2500"));
    }

    [Fact]
    public async Task PlainView_Preflight_IsWrittenOnceBeforeTheState()
    {
        await using var writer = new StringWriter();
        await new PlainView(writer, new FakeTimeProvider()).ShowAsync(show =>
        {
            show(new JobStatus { State = JobState.Queued, Preflight = { "data.train: 8 samples" } });
            show(new JobStatus { State = JobState.Loading, Preflight = { "data.train: 8 samples" } });
            return Task.FromResult(0);
        });
        Assert.Equal(["data.train: 8 samples", "queued", "loading"], writer.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task PlainView_StepThatStandsStill_SaysOnceWhomItWaitsFor()
    {
        var time = new FakeTimeProvider();
        await using var writer = new StringWriter();
        var standing = new JobStatus { State = JobState.Running, Step = 7, StepsPlanned = 40, Workers = { Doing("worker-0", "step 8: vote of worker-1, stage 1", waits: true), Doing("worker-1", "step 8: waits for nobody, backward of micro-batch 5") } };
        await new PlainView(writer, time).ShowAsync(show =>
        {
            show(new JobStatus { State = JobState.Running, Step = 6, StepsPlanned = 40 });
            time.Advance(TimeSpan.FromSeconds(1));
            show(standing);
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.DoesNotContain("stands still", writer.ToString(), StringComparison.Ordinal);
            Enumerable.Range(0, 4).ToList().ForEach(_ => time.Advance(TimeSpan.FromSeconds(1)));
            show(new JobStatus { State = JobState.Running, Step = 8, StepsPlanned = 40, Workers = { Doing("worker-0", "step 9: forward") } });
            Enumerable.Range(0, 4).ToList().ForEach(_ => time.Advance(TimeSpan.FromSeconds(1)));
            return Task.FromResult(0);
        });
        Assert.Equal(
            ["step 8/40 stands still  worker-0: step 8: vote of worker-1, stage 1"],
            writer.ToString().Split(Environment.NewLine).Where(line => line.Contains("stands still", StringComparison.Ordinal)));

        static WorkerAccount Doing(string worker, string activity, bool waits = false) => new() { Worker = worker, Activity = activity, Waits = waits };
    }

    [Theory]
    [InlineData(4.4, "4 s")]
    [InlineData(187, "3:07")]
    [InlineData(7387, "2:03:07")]
    [InlineData(double.NaN, "0 s")]
    public void Duration_OfSeconds_Reads(double seconds, string expected) => Assert.Equal(expected, StatusText.Duration(seconds));

    [Fact]
    public void TrainReport_Json_HasTheKeysThatScriptsReadAndNoNumberThatJsonLacks()
    {
        var status = new JobStatus { Job = "job-1", State = JobState.Succeeded, Adapter = "/out/ädapter", EvalLossBefore = 5.5, TokensPerSecond = 1000, EvalLossAfter = double.NaN };
        // Each number its own, so that none can stand for another.
        status.Workers.Add(new WorkerAccount
        {
            Worker = "worker-0",
            Replica = 1,
            Stage = 2,
            FirstLayer = 3,
            LastLayer = 5,
            MicroBatchesRun = 12,
            MicroBatchesRepeated = 4,
            BytesSent = 6,
            BytesReceived = 7,
            GradientBytesReceived = 8,
            BaseBytesRead = 9,
            BaseBytesCached = 10,
            BaseBytesReceived = 11,
            PeakMemoryBytes = 13,
        });
        Assert.Equal(
            """{"job":"job-1","state":"succeeded","adapter":"/out/\u00E4dapter","eval_loss_before":5.5,"eval_loss_after":null,"tokens_per_second":1000,"""
            + """ "workers":[{"worker":"worker-0","replica":1,"stage":2,"layers":[3,5],"micro_batches_run":12,"micro_batches_repeated":4,"bytes_sent":6,""".TrimStart()
            + """ "bytes_received":7,"gradient_bytes_received":8,"base_bytes_read":9,"base_bytes_cached":10,"base_bytes_received":11,"peak_memory_bytes":13}]}""".TrimStart(),
            TrainReport.Json(status));
    }
}
