using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>What may change without changing bits, and what may not.</summary>
public sealed class NumericClassTests
{
    private static readonly string Job = Repository.Sample("orders.yaml");
    private static readonly string[] Short =
    [
        "training.max_steps=3", "training.global_batch_size=8", "training.micro_batch_tokens=256", "adapter.lora_dropout=0.1", "resources.compute_threads=2", "data.eval=null",
    ];

    [Fact]
    public void Train_RecomputeNoneAndFull_GiveEqualBytes()
    {
        using var folder = new TemporaryFolder();
        var none = new LayoutRun(Job, folder["none"], 1, 2, [.. Short, "training.recompute=none"]);
        var full = new LayoutRun(Job, folder["full"], 1, 2, [.. Short, "training.recompute=full"]);
        Assert.Equal(none.Output.AdapterBytes, full.Output.AdapterBytes);
        Assert.Equal(none.Output.Steps, full.Output.Steps);
    }

    [Fact]
    public void Train_FixedThreadsOnOneAndTwoProcessors_GiveEqualBytes()
    {
        using var folder = new TemporaryFolder();
        Train(folder["one"], "0");
        Train(folder["two"], "0,1");
        Assert.Equal(new RunOutput(folder["two"]).AdapterBytes, new RunOutput(folder["one"]).AdapterBytes);
    }

    [Fact]
    public void Train_BothInstructionPaths_AreClassesOfTheirOwn()
    {
        using var folder = new TemporaryFolder();
        var lower = new LayoutRun(Job, folder["avx2"], 1, 1, [.. Short, "resources.numeric_class=avx2"]);
        Assert.Contains("avx2", lower.Output.Json("plan.json").GetProperty("numeric_class").ToString(), StringComparison.Ordinal);
        var two = new LayoutRun(Job, folder["avx2-two"], 2, 1, [.. Short, "resources.numeric_class=avx2"]);
        Assert.Equal(lower.Output.AdapterBytes, two.Output.AdapterBytes);
    }

    private static void Train(string output, string processors)
    {
        string[] set = [.. Short.SelectMany(key => new[] { "--set", key })];
        using var process = OrchestratorProcess.StartProgram("taskset", ["-c", processors, Repository.Coordinator, "train", Job, "--out", output, "--json", .. set]);
        var result = process.Finish();
        Assert.True(result.ExitCode == 0, result.ToString());
    }
}
