using System.Diagnostics;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>A disk that fills up at one moment or another of a run.</summary>
public sealed class FullDiskTests
{
    [Theory]
    [InlineData("100k", 2)] // before anything was started
    [InlineData("1m", 5000)] // in the middle
    [InlineData("700k", 2)] // where the adapter is written
    public void Train_FullDisk_FailsWithOneSentenceAndLeavesNothingHalfWritten(string size, int steps)
    {
        using var job = new WorkingJob();
        job.Replace("max_steps: 2", $"max_steps: {steps}");
        Directory.CreateDirectory(job["disk"]);
        Shell($"mount -t tmpfs -o size={size} tmpfs {job["disk"]}");
        try
        {
            job.Output = job["disk", "out"];
            Refusal.Check(job.Train(), 1, "output folder .*out cannot be written \\(.*(disk is full|no space left).*\\); make room");
            if (Directory.Exists(job.Output))
            {
                job.AssertOnlyWholeFiles();
            }
            else
            {
                job.AssertUntouched();
            }
        }
        finally
        {
            Shell($"umount {job["disk"]}");
        }
    }

    /// <summary>What an earlier command has prepared stays, and nothing else: also where the disk has room for the samples and none for their shard.</summary>
    [Theory]
    [InlineData(100_000)]
    [InlineData(16_000)]
    public void Prepare_FullDisk_FailsWithOneSentenceAndLeavesNothingHalfWritten(int rows)
    {
        using var job = new WorkingJob();
        Directory.CreateDirectory(job["disk"]);
        Shell($"mount -t tmpfs -o size=1m tmpfs {job["disk"]}");
        try
        {
            job.Output = job["disk", "out"];
            Assert.Equal(0, Prepare(job).ExitCode);
            File.WriteAllText(job["train.jsonl"], string.Concat(Enumerable.Repeat(WorkingJob.Row + "\n", rows)));
            Refusal.Check(Prepare(job), 1, "The data could not be prepared in .*out/\\.orchestrator/data \\(.*no space left.*\\); make room");
            job.AssertUntouched();
        }
        finally
        {
            Shell($"umount {job["disk"]}");
        }
    }

    private static RunResult Prepare(WorkingJob job)
    {
        using var process = job.Start([], Repository.Coordinator, "prepare", job["job.yaml"], "--out", job.Output);
        return process.Finish();
    }

    private static void Shell(string command)
    {
        using var process = Process.Start("/bin/sh", ["-c", command]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
