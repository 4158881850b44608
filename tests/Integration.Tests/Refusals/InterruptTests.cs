using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>Ctrl-C and its like: an end after the current step, exit code 3 and a checkpoint to go on from, whole files, no process left.</summary>
[Collection(nameof(Alone))]
public sealed class InterruptTests
{
    private const string Stopped = "Stopped after step (?<step>\\d+) of 100000, whose state is saved; train --resume goes on from there";

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
        Refusal.Check(result, 3, Stopped);
        Assert.Contains("stopping after the current step; Ctrl-C again stops at once", result.Errors, StringComparison.Ordinal);
        job.AssertOnlyWholeFiles();
        var output = new RunOutput(job.Output);
        int last = int.Parse(Regex.Match(result.Errors, Stopped, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["step"].Value);
        Assert.Equal(Enumerable.Range(1, last), output.Steps.Select(step => step.Step));
        Assert.Equal(["checkpoint", "finish"], output.Lines("events.jsonl").TakeLast(2).Select(line => line.GetProperty("event").GetString()));
        var inspected = OrchestratorProcess.Run("inspect", Path.Combine(job.Output, "checkpoints", $"step-{last}"), "--json");
        Assert.True(JsonDocument.Parse(inspected.Output).RootElement is var checkpoint && checkpoint.GetProperty("complete").GetBoolean(), inspected.ToString());
        Assert.Equal(last, checkpoint.GetProperty("step").GetInt32());
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
        Refusal.Check(process.Finish(), 3, "Interrupted at once; train --resume goes on from the last checkpoint");
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
        Refusal.Check(process.Finish(), 3, "Stopped after step 0 of 2; train --resume starts the run");
        job.AssertOnlyWholeFiles();
    }
}
