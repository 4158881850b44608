using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>What may change without changing bits, and what may not.</summary>
public sealed class NumericClassTests(ShortRun shortRun) : IClassFixture<ShortRun>
{
    /// <summary>One large micro-batch, so that what backward keeps is most of the process's memory.</summary>
    [Fact]
    public void Train_RecomputeNoneAndFull_KeepDifferentlyMuchAndGiveEqualBits()
    {
        using var folder = new TemporaryFolder();
        string[] set = [.. ShortRun.Keys, "training.max_steps=2", "training.global_batch_size=32", "training.micro_batch_tokens=4096"];
        var none = new LayoutRun(ShortRun.Job, folder["none"], 1, 1, [.. set, "training.recompute=none"]);
        var full = new LayoutRun(ShortRun.Job, folder["full"], 1, 1, [.. set, "training.recompute=full"]);
        Assert.Equal(none.Output.AdapterBytes, full.Output.AdapterBytes);
        Assert.Equal(none.Output.Steps, full.Output.Steps);
        Assert.Equal("none", none.Output.Json("plan.json").GetProperty("recompute").GetString());
        Assert.Equal("full", full.Output.Json("plan.json").GetProperty("recompute").GetString());
        var (kept, recomputed) = (PeakBytes(none), PeakBytes(full));
        Assert.True(kept - recomputed > 60_000_000, $"{kept} bytes at most without recomputation, {recomputed} with it");
    }

    [Fact]
    public void Train_FixedThreadsOnOneAndTwoProcessors_GiveEqualBits()
    {
        using var folder = new TemporaryFolder();
        var one = ShortRun.Train(folder["one"], 1);
        Assert.Equal(shortRun.Output.AdapterBytes, one.AdapterBytes);
        Assert.Equal(3, one.Steps.Count);
        Assert.Equal(shortRun.Output.Steps, one.Steps);
        Assert.Equal(shortRun.NumericClass, one.Json("plan.json").GetProperty("numeric_class").ToString());
    }

    /// <summary>One of two workers is started with another thread count: the job waits for one of its class, which is then attached by hand.</summary>
    [Fact]
    public void Train_WorkerWithAnotherThreadCount_TakesNoPart()
    {
        using var folder = new TemporaryFolder();
        string program = folder.Write("worker.sh", $"""
            #!/bin/sh
            case " $* " in *" --name worker-1 "*) set -- $(echo "$*" | sed 's/--threads 2/--threads 1/') ;; esac
            exec {Repository.Worker} "$@"

            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string[] arguments = ["train", ShortRun.Job, "--out", folder["out"], "--json", "--workers", "2", "--set", "layout={replicas: 2, stages: 1}", .. ShortRun.Set];
        using var train = OrchestratorProcess.StartProgram(Repository.Coordinator, arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_WORKER"] = program });

        Assert.True(train.WaitUntil(() => HasAttached(folder["out", "run.log"], "worker-0") && HasAttached(folder["out", "run.log"], "worker-1")), train.Errors);
        Assert.True(train.WaitUntil(() => train.Errors.Contains("needs 2 workers of one numeric class and 1 worker of", StringComparison.Ordinal)), train.Errors);
        Thread.Sleep(TimeSpan.FromSeconds(1));
        Assert.False(File.Exists(folder["out", "metrics.jsonl"]), "a job of two threads began on a worker with one");

        using var byHand = AttachByHand(train);
        var result = train.Finish();
        OrchestratorProcess.Signal(byHand.Id, "TERM");
        Assert.Equal(0, byHand.Finish().ExitCode);
        Assert.True(result.ExitCode == 0, result.ToString());

        var output = new RunOutput(folder["out"]);
        var workers = JsonDocument.Parse(result.LastLine).RootElement.GetProperty("workers").EnumerateArray().Select(worker => worker.GetProperty("worker").GetString());
        Assert.Equal(["by-hand", "worker-0"], workers.Order(StringComparer.Ordinal));
        Assert.Contains(output.Json("plan.json").GetProperty("findings").EnumerateArray(), finding => finding.GetProperty("code").GetString() == "other-class");
        Assert.Equal(shortRun.Output.AdapterBytes, output.AdapterBytes);
        Assert.Equal(shortRun.Output.Steps, output.Steps);
    }

    [Fact]
    public void Train_BothInstructionPaths_AreClassesOfTheirOwn()
    {
        using var folder = new TemporaryFolder();
        var lower = new LayoutRun(ShortRun.Job, folder["avx2"], 1, 1, [.. ShortRun.Keys, "resources.numeric_class=avx2"]);
        Assert.Contains("avx2", lower.Output.Json("plan.json").GetProperty("numeric_class").ToString(), StringComparison.Ordinal);
        var two = new LayoutRun(ShortRun.Job, folder["avx2-two"], 2, 1, [.. ShortRun.Keys, "resources.numeric_class=avx2"]);
        Assert.Equal(lower.Output.AdapterBytes, two.Output.AdapterBytes);
    }

    private static long PeakBytes(LayoutRun run) => run.Workers.Single().GetProperty("peak_memory_bytes").GetInt64();

    private static bool HasAttached(string log, string worker) => File.Exists(log) && File.ReadAllText(log).Contains($" {worker} attached.", StringComparison.Ordinal);

    /// <summary>What a person would type who knows the address and the token of a running coordinator.</summary>
    private static OrchestratorProcess AttachByHand(OrchestratorProcess train)
    {
        int sibling = train.Children().First(id => ProcessFacts.CommandLine(id).Contains("worker-0"));
        string[] line = ProcessFacts.CommandLine(sibling);
        string address = line[Array.IndexOf(line, "--coordinator") + 1];
        return OrchestratorProcess.StartProgram(
            Repository.Worker,
            ["--coordinator", address, "--name", "by-hand", "--threads", "2"],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_JOIN_TOKEN"] = ProcessFacts.Variable(sibling, "ORCHESTRATOR_JOIN_TOKEN") });
    }
}
