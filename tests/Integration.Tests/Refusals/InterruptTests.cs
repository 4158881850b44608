using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>Ctrl-C and its like: an end after the current step, exit code 1 (nothing could go on from here), whole files, no process left.</summary>
[Collection(nameof(Alone))]
public sealed class InterruptTests
{
    private const string Stopped = "Stopped after step (?<step>\\d+) of 100000; checkpoints are not built yet";

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void Train_Interrupted_EndsAfterTheCurrentStep(string signal)
    {
        using var job = new WorkingJob();
        using var process = job.StartLong();
        // A terminal sends SIGINT to all processes of the command, so the workers get it, too.
        int[] all = signal == "INT" ? [.. process.Children(), process.Id] : [process.Id];
        Array.ForEach(all, id => OrchestratorProcess.Signal(id, signal));
        var result = process.Finish();
        Refusal.Check(result, 1, Stopped);
        Assert.Contains("stopping after the current step; Ctrl-C again stops at once", result.Errors, StringComparison.Ordinal);
        job.AssertOnlyWholeFiles();
        var output = new RunOutput(job.Output);
        int last = int.Parse(Regex.Match(result.Errors, Stopped, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["step"].Value);
        Assert.Equal(Enumerable.Range(1, last), output.Steps.Select(step => step.Step));
        Assert.Equal("finish", output.Lines("events.jsonl").Last().GetProperty("event").GetString());
    }

    /// <summary>The workers are stopped: the current step cannot end, so what ends the run is the second signal.</summary>
    [Fact]
    public void Train_InterruptedTwice_EndsAtOnce()
    {
        using var job = new WorkingJob();
        using var process = job.StartLong();
        foreach (int worker in process.Children())
        {
            OrchestratorProcess.Signal(worker, "STOP");
        }

        OrchestratorProcess.Signal(process.Id, "INT");
        Assert.True(process.WaitUntil(() => process.Errors.Contains("Ctrl-C again stops at once", StringComparison.Ordinal)), process.Errors);
        OrchestratorProcess.Signal(process.Id, "INT");
        Refusal.Check(process.Finish(), 1, "Interrupted; checkpoints are not built yet");
        job.AssertOnlyWholeFiles();
    }

    /// <summary>A worker that neither attaches nor ends when its input closes.</summary>
    [Fact]
    public void Train_InterruptedWhileItWaits_EndsAndLeavesNoProcess()
    {
        using var job = new WorkingJob();
        job.UseWorker("exec sleep 600");
        using var process = job.StartTraining();
        Assert.True(process.WaitUntil(() => process.Errors.Contains("waits for a worker", StringComparison.Ordinal) && process.Children().Count > 0), process.Errors);
        OrchestratorProcess.Signal(process.Id, "INT");
        Refusal.Check(process.Finish(), 1, "Stopped after step 0 of 2; checkpoints are not built yet");
        job.AssertOnlyWholeFiles();
    }
}
