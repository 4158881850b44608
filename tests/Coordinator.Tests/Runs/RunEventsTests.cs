using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>events.jsonl of whole runs, every line by its words.</summary>
public sealed class RunEventsTests : IDisposable
{
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Lines_OfARunThatSucceeds_SayWhereItStandsAndWhoTakesPart()
    {
        var run = await RunAsync(new FakeWorkers(2) { Alter = (_, report) => SkippedAt(report, 2) }, "layout={replicas: 2, stages: 1}", "training.max_steps=3", "training.save_steps=2");

        Assert.Equal(JobState.Succeeded, run.Record.State);
        AssertLines(
            run,
            """{"event":"start","job":"job-1","generation":0,"step":0,"worker":null,"reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"attach","job":"job-1","generation":1,"step":0,"worker":"worker-0","reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"attach","job":"job-1","generation":1,"step":0,"worker":"worker-1","reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"skip","job":"job-1","generation":1,"step":2,"worker":null,"reason":"a gradient was not finite","lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"checkpoint","job":"job-1","generation":1,"step":2,"worker":null,"reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"checkpoint","job":"job-1","generation":1,"step":3,"worker":null,"reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"finish","job":"job-1","generation":1,"step":3,"worker":null,"reason":"succeeded","lost_worker_seconds":0,"steps_repeated":0}""");
    }

    [Fact]
    public async Task Lines_OfARunThatGoesOn_SayFromWhereAndWhatCouldNotBeUsed()
    {
        var quiet = await RunAsync(new FakeWorkers(1), "training.max_steps=3", "training.save_steps=2");
        var request = _job.Request("training.max_steps=3");
        var resume = new ResumePoint { Checkpoint = quiet.Checkpoints[0], Damaged = { "The checkpoint step-3 cannot be used: torn." } };
        var run = new PureRun(await _job.MaterialAsync(request), request, new FakeWorkers(1)) { Resume = resume };
        run.Submit();

        AssertLines(
            run,
            """{"event":"rollback","job":"job-1","generation":2,"step":2,"worker":null,"reason":"The checkpoint step-3 cannot be used: torn.","lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"resume","job":"job-1","generation":2,"step":2,"worker":null,"reason":"The run goes on after step 2 of 3, from its checkpoint.","lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"attach","job":"job-1","generation":2,"step":2,"worker":"worker-0","reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"checkpoint","job":"job-1","generation":2,"step":3,"worker":null,"reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"finish","job":"job-1","generation":2,"step":3,"worker":null,"reason":"succeeded","lost_worker_seconds":0,"steps_repeated":0}""");
    }

    [Fact]
    public async Task Lines_OfARunThatIsCancelled_EndWithThat()
    {
        var run = await RunAsync(new FakeWorkers(0));
        run.One(new CancelJob { Job = "job-1" });

        AssertLines(
            run,
            """{"event":"start","job":"job-1","generation":0,"step":0,"worker":null,"reason":null,"lost_worker_seconds":0,"steps_repeated":0}""",
            """{"event":"finish","job":"job-1","generation":0,"step":0,"worker":null,"reason":"cancelled","lost_worker_seconds":0,"steps_repeated":0}""");
    }

    private static StepReport SkippedAt(StepReport report, ulong step)
    {
        report.Applied = report.Step != step;
        return report;
    }

    private async Task<PureRun> RunAsync(FakeWorkers workers, params string[] set)
    {
        var request = _job.Request(set);
        var run = new PureRun(await _job.MaterialAsync(request), request, workers);
        run.Submit();
        return run;
    }

    /// <summary>The journal's lines, each with its event's time in front of what is expected.</summary>
    private static void AssertLines(PureRun run, params string[] expected)
    {
        var lines = new List<JsonObject>();
        var record = JobRecord.Empty;
        foreach (var happened in run.Journal)
        {
            record = record.Apply(happened);
            foreach (var line in RunLines.Events("job-1", record, happened))
            {
                var members = JsonNode.Parse(line)!.AsObject();
                Assert.Equal("time", members.First().Key);
                var time = members["time"]!.GetValue<DateTimeOffset>();
                Assert.Equal((happened.Time.ToDateTimeOffset(), TimeSpan.Zero), (time, time.Offset));
                members.Remove("time");
                lines.Add(members);
            }
        }

        Assert.Equal(expected, lines.Select(line => line.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping })));
    }
}
