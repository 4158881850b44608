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
        var run = Begin(point, step, replicas, stages);
        var result = job.FailAt(run, point, step, replicas, stages);

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(run.Lines("events.jsonl"), line => line.GetProperty("event").GetString() == "lost");
        Assert.InRange(run.Lines("events.jsonl").Sum(line => line.GetProperty("steps_repeated").GetInt32()), 0, 1);
        job.AssertQuiet(run);
    }

    /// <summary>The worker's death takes everybody with it.</summary>
    [Theory(Explicit = true)]
    [InlineData(FaultPoint.Vote, 9, 1, 2)]
    [InlineData(FaultPoint.Apply, 10, 2, 1)]
    [InlineData(FaultPoint.Mirror, 15, 1, 1)]
    [InlineData(FaultPoint.BlobWrite, 10, 1, 2)]
    [InlineData(FaultPoint.BlobWrite, 18, 2, 1)]
    public void Train_WorkerDiesAndAllWithIt_ResumeEndsInTheSameBytes(FaultPoint point, int step, int replicas, int stages)
    {
        var run = Begin(point, step, replicas, stages);
        AssertGoesOn(run, job.FailAt(run, point, step, replicas, stages, everybody: true), replicas, stages, step - 6, step);
    }

    /// <summary>A manifest is written beside the steps that follow, so the newest one may be that of a few steps before.</summary>
    [Theory(Explicit = true)]
    [InlineData(FaultPoint.WindowOpen, 1, 2, 1, 0, 0)]
    [InlineData(FaultPoint.JournalWrite, 9, 1, 2, 2, 8)]
    [InlineData(FaultPoint.Manifest, 2, 1, 1, 0, 0)]
    [InlineData(FaultPoint.Manifest, 10, 2, 1, 8, 8)]
    [InlineData(FaultPoint.Manifest, 20, 1, 2, 18, 18)]
    [InlineData(FaultPoint.ManifestWritten, 10, 1, 2, 10, 10)]
    [InlineData(FaultPoint.ManifestWritten, 20, 1, 1, 20, 20)]
    public void Train_CoordinatorDies_ResumeEndsInTheSameBytes(FaultPoint point, int step, int replicas, int stages, int oldest, int newest)
    {
        var run = Begin(point, step, replicas, stages);
        AssertGoesOn(run, job.FailAt(run, point, step, replicas, stages), replicas, stages, oldest, newest);
    }

    /// <summary>The first window of a run that goes on: its workers have the checkpoint's state, and were told of no step.</summary>
    [Fact(Explicit = true)]
    public void Resume_CoordinatorDiesAtItsFirstWindow_GoesOnFromTheSameCheckpoint()
    {
        var (run, checkpoints) = job.Kill("first-window", 2, 1, output => KilledJob.HasStep(output, 9));
        int newest = checkpoints[^1];

        AssertGoesOn(run, job.FailAt(run, FaultPoint.WindowOpen, newest + 1, 1, 2), 2, 1, newest, newest);
    }

    private RunOutput Begin(FaultPoint point, int step, int replicas, int stages) => job.Begin($"{point}-{step}-{replicas}x{stages}-{Guid.NewGuid():N}");

    private void AssertGoesOn(RunOutput run, RunResult died, int replicas, int stages, int oldest, int newest)
    {
        Assert.True(died.ExitCode == 128 + 9, died.ToString());
        int checkpoint = KilledJob.CheckpointsIn(run.Folder).DefaultIfEmpty().Max();
        Assert.InRange(checkpoint, oldest, newest);
        job.GoesOn(run, checkpoint, replicas, stages);
    }
}
