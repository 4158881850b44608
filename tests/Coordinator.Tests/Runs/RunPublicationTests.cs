using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class RunPublicationTests : IDisposable
{
    private static readonly Timestamp Time = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A file whose write failed lacks a line: none is to follow it, in that file or another, even where writing would succeed again.</summary>
    [Fact]
    public void Publish_AfterAFailedWrite_WritesNothingMore()
    {
        var record = JobRecord.Empty with { Output = _folder.Path, Resolved = "name: a\n" };
        using var publication = new RunPublication("job-1", _ => { });
        publication.Publish(record, new JobPrepared { Time = Time });
        publication.Publish(record, new StepCommitted { Time = Time, Step = 1, Applied = true });
        var (events, metrics) = (File.ReadAllText(_folder.At("events.jsonl")), File.ReadAllText(_folder.At("metrics.jsonl")));
        Directory.CreateDirectory(_folder.At("plan.json"));

        Assert.Throws<IOException>(() => publication.WritePlan("{}"));
        Directory.Delete(_folder.At("plan.json"));
        publication.Publish(record, new StepCommitted { Time = Time, Step = 2, Applied = false });
        publication.WritePlan("{}");

        Assert.Equal(events, File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal(metrics, File.ReadAllText(_folder.At("metrics.jsonl")));
        Assert.False(File.Exists(_folder.At("plan.json")));
    }
}
