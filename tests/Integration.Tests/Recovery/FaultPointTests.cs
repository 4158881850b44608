using Orchestrator.Integration.Tests.Checkpoints;
using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Protos.Faults;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>A process that dies at each of the named moments, on several layouts: a worker is replaced, a coordinator's run is gone on with; the bytes are those of the run that nobody disturbed.</summary>
/// <remarks>Explicit: fault points are compiled in the Debug configuration alone, which <c>.ci/full</c> builds before it runs these.</remarks>
[Collection(nameof(Alone))]
public sealed class FaultPointTests(KilledJob job) : IClassFixture<KilledJob>
{
    [Theory(Explicit = true)]
    [InlineData(FaultPoint.Vote, 3, 1, 1)]
    [InlineData(FaultPoint.Vote, 7, 2, 1)]
    [InlineData(FaultPoint.Vote, 8, 1, 2)]
    [InlineData(FaultPoint.Apply, 3, 1, 1)]
    [InlineData(FaultPoint.Apply, 7, 2, 1)]
    [InlineData(FaultPoint.Apply, 8, 1, 2)]
    [InlineData(FaultPoint.Apply, 11, 2, 2)]
    [InlineData(FaultPoint.Mirror, 3, 1, 1)]
    [InlineData(FaultPoint.Mirror, 7, 1, 2)]
    [InlineData(FaultPoint.Mirror, 12, 2, 2)]
    [InlineData(FaultPoint.BlobWrite, 4, 1, 1)]
    [InlineData(FaultPoint.BlobWrite, 10, 1, 2)]
    [InlineData(FaultPoint.BlobWrite, 20, 2, 1)]
    public void Train_WorkerDies_EndsInTheSameBytes(FaultPoint point, int step, int replicas, int stages)
    {
        var (run, result) = job.FailAt(point, step, replicas, stages);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(run.Lines("events.jsonl"), line => line.GetProperty("event").GetString() == "lost");
        Assert.InRange(run.Lines("events.jsonl").Sum(line => line.GetProperty("steps_repeated").GetInt32()), 0, 1);
        AssertQuiet(run);
    }

    [Theory(Explicit = true)]
    [InlineData(FaultPoint.WindowOpen, 1, 2, 1)]
    [InlineData(FaultPoint.JournalWrite, 9, 1, 2)]
    [InlineData(FaultPoint.Manifest, 2, 1, 1)]
    [InlineData(FaultPoint.Manifest, 10, 2, 1)]
    [InlineData(FaultPoint.Manifest, 20, 1, 2)]
    [InlineData(FaultPoint.ManifestWritten, 10, 1, 2)]
    [InlineData(FaultPoint.ManifestWritten, 20, 1, 1)]
    public void Train_CoordinatorDies_ResumeEndsInTheSameBytes(FaultPoint point, int step, int replicas, int stages)
    {
        var (run, died) = job.FailAt(point, step, replicas, stages);
        Assert.True(died.ExitCode == 128 + 9, died.ToString());
        int newest = Directory.Exists(Path.Combine(run.Folder, "checkpoints")) ? KilledJob.CheckpointsIn(run.Folder).DefaultIfEmpty().Max() : 0;

        var result = job.Resume(run, replicas, stages);

        Assert.True(result.ExitCode == 0, result.ToString());
        var resumed = run.Lines("events.jsonl").Where(line => line.GetProperty("event").GetString() == "resume").Select(line => line.GetProperty("step").GetInt32());
        Assert.Equal(newest, resumed.LastOrDefault());
        AssertQuiet(run);
    }

    private void AssertQuiet(RunOutput run)
    {
        Assert.Equal(job.Quiet.Steps, run.Steps);
        Assert.Equal(job.Quiet.Evaluations, run.Evaluations);
        Assert.True(job.Quiet.AdapterBytes.SequenceEqual(run.AdapterBytes), "the adapter differs from that of the run that nobody disturbed");
    }
}
