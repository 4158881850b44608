using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>A disk that fills up at one moment or another of a run.</summary>
/// <remarks>
/// Sizes stand far from their borders: a run takes 0.4 MB before its first step and some 20 kB a step, and the adapter of rank 128 (4.6 MB) is on the disk
/// in its checkpoint, three times as large with its two moments, when it is written.
/// </remarks>
public sealed class FullDiskTests
{
    private const string Refused = "output folder .*out cannot be written \\(.*(disk is full|no space left).*";

    [Fact]
    public void Train_DiskFullBeforeTheRun_FailsWithOneSentenceAndLeavesNothing()
    {
        using var job = new WorkingJob();
        using var disk = new SmallDisk(job["disk"], "100k");
        job.Output = job["disk", "out"];
        Refusal.Check(job.Train(), 1, $"{Refused}\\); make room");
        job.AssertUntouched();
    }

    [Fact]
    public void Train_DiskFullInTheMiddle_FailsWithOneSentenceAndLeavesNothingHalfWritten()
    {
        using var job = new WorkingJob();
        using var disk = new SmallDisk(job["disk"], "2m");
        job.Output = job["disk", "out"];
        job.Replace("max_steps: 2", "max_steps: 5000");
        // The lone worker keeps its states on the same disk.
        Refusal.Check(job.Train(), 1, $"({Refused}|The state after step \\d+ cannot be kept in the cache \\(.*no space left.*)\\); make room");
        job.AssertOnlyWholeFiles();
        Assert.InRange(new RunOutput(job.Output).Steps.Count, 1, 4999);
    }

    [Fact]
    public void Train_DiskFullWhereTheAdapterIsWritten_FailsWithOneSentenceAndLeavesNothingHalfWritten()
    {
        using var job = new WorkingJob();
        using var disk = new SmallDisk(job["disk"], "17m");
        job.Output = job["disk", "out"];
        job.Replace("model: base", "model: base\nresilience: checkpoint");
        job.Replace("r: 4", "r: 128");
        job.Replace("max_steps: 2", "max_steps: 2\n  save_steps: 2");
        Refusal.Check(job.Train(), 1, $"{Refused}/\\.making-[0-9a-f]+/adapter_model\\.safetensors.*\\); make room");
        job.AssertOnlyWholeFiles();
        Assert.Equal([1, 2], new RunOutput(job.Output).Steps.Select(step => step.Step));
    }

    [Fact]
    public void Train_DiskFullWhereACheckpointIsWritten_FailsWithOneSentenceAndLeavesNothingHalfWritten()
    {
        using var job = new WorkingJob();
        using var disk = new SmallDisk(job["disk"], "7m");
        job.Output = job["disk", "out"];
        job.Replace("model: base", "model: base\nresilience: checkpoint");
        job.Replace("r: 4", "r: 128");
        Refusal.Check(job.Train(), 1, "The checkpoint of step 1 cannot be written \\(.*no space left.*\\); make room .* --resume");
        job.AssertOnlyWholeFiles();
        Assert.Empty(Directory.EnumerateFiles(job.Output, "manifest.json", SearchOption.AllDirectories));
    }

    /// <summary>What an earlier command has prepared stays, and nothing else: also where the disk has room for the samples and none for their shard.</summary>
    [Theory]
    [InlineData(100_000)]
    [InlineData(16_000)]
    public void Prepare_FullDisk_FailsWithOneSentenceAndLeavesNothingHalfWritten(int rows)
    {
        using var job = new WorkingJob();
        using var disk = new SmallDisk(job["disk"], "1m");
        job.Output = job["disk", "out"];
        Assert.Equal(0, Prepare(job).ExitCode);
        File.WriteAllText(job["train.jsonl"], string.Concat(Enumerable.Repeat(WorkingJob.Row + "\n", rows)));
        Refusal.Check(Prepare(job), 1, "The data could not be prepared in .*out/\\.orchestrator/data \\(.*no space left.*\\); make room");
        job.AssertUntouched();
    }

    private static RunResult Prepare(WorkingJob job)
    {
        using var process = job.Start([], Repository.Coordinator, "prepare", job["job.yaml"], "--out", job.Output);
        return process.Finish();
    }
}
