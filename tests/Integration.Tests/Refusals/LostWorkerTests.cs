using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>Workers that die, and a coordinator that does: one sentence, whole files, no process left.</summary>
[Collection(nameof(Alone))]
public sealed class LostWorkerTests
{
    [Fact]
    public void Train_WorkerThatDiesAtStart_FailsWithItsLastWords()
    {
        using var job = new WorkingJob();
        job.UseWorker("echo 'no driver on this machine' >&2\nexit 134");
        Refusal.Check(job.Train(), 1, "worker-0 ended again and again before it attached, the last time with exit code 134; it said: no driver on this machine");
        job.AssertOnlyWholeFiles();
    }

    [Fact]
    public void Train_CoordinatorKilled_LeavesNoWorker()
    {
        using var job = new WorkingJob();
        job.Replace("max_steps: 2", "max_steps: 100000");
        using var process = job.StartTraining("--workers", "2");
        Assert.True(process.WaitUntil(() => File.Exists(job.Metrics)), process.Errors);
        Assert.NotEmpty(process.Children());
        OrchestratorProcess.Kill(process.Id);
        Assert.Empty(process.WaitForNoChildren(TimeSpan.FromSeconds(10)));
    }
}
