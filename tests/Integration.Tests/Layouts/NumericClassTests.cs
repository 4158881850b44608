using System.Runtime.Intrinsics.X86;
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

    /// <summary>One of two workers is started with another thread count: no other will come, so the job ends with that sentence.</summary>
    [Fact]
    public void Train_WorkerWithAnotherThreadCount_TakesNoPart()
    {
        using var folder = new TemporaryFolder();
        string program = folder.WriteProgram("worker.sh", $"""
            #!/bin/sh
            case " $* " in *" --name worker-1 "*) set -- $(echo "$*" | sed 's/--threads 2/--threads 1/') ;; esac
            exec {Repository.Worker} "$@"

            """);
        string[] arguments = ["train", ShortRun.Job, "--out", folder["out"], "--json", "--workers", "2", "--set", "layout={replicas: 2, stages: 1}", .. ShortRun.Set];
        using var train = OrchestratorProcess.StartProgram(Repository.Coordinator, arguments, new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_WORKER"] = program });

        var result = train.Finish();
        Assert.Equal(1, result.ExitCode);
        string reason = result.LastJson.GetProperty("reason").GetString()!;
        Assert.Contains("needs 2 workers of one numeric class and 1 worker of", reason, StringComparison.Ordinal);
        Assert.Contains("no other will come: all 2 workers of this run are attached.", reason, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["out", "metrics.jsonl"]), "a job of two threads began on a worker with one");
    }

    /// <summary>
    /// On every machine with AVX2 the lower path's bytes are equal over layouts, and so are those of the path that a job takes by itself. Where that one
    /// is higher (AVX-512, AMX) it is another numeric class; on a machine whose best path is AVX2 both are one class with the same bytes.
    /// </summary>
    [Fact]
    public void Train_LowerAndBestInstructionPath_AreClassesOfTheirOwnWhereTheyDifferAndEachIsEqualOverLayouts()
    {
        using var folder = new TemporaryFolder();
        var lower = new LayoutRun(ShortRun.Job, folder["avx2"], 1, 1, [.. ShortRun.Keys, "resources.numeric_class=avx2"]);
        var lowerOnTwo = new LayoutRun(ShortRun.Job, folder["avx2-two"], 2, 1, [.. ShortRun.Keys, "resources.numeric_class=avx2"]);
        var bestOnTwo = new LayoutRun(ShortRun.Job, folder["best-two"], 2, 1, ShortRun.Keys);
        Assert.Contains("avx2", ClassOf(lower.Output), StringComparison.Ordinal);
        Assert.Equal(lower.Output.AdapterBytes, lowerOnTwo.Output.AdapterBytes);
        Assert.Equal(shortRun.NumericClass, ClassOf(bestOnTwo.Output));
        Assert.Equal(shortRun.Output.AdapterBytes, bestOnTwo.Output.AdapterBytes);
        if (Avx512BW.IsSupported && Avx512DQ.VL.IsSupported)
        {
            Assert.DoesNotContain("avx2", shortRun.NumericClass, StringComparison.Ordinal);
            Assert.NotEqual(ClassOf(lower.Output), shortRun.NumericClass);
        }
        else
        {
            Assert.Equal(ClassOf(lower.Output), shortRun.NumericClass);
            Assert.Equal(lower.Output.AdapterBytes, shortRun.Output.AdapterBytes);
        }
    }

    private static string ClassOf(RunOutput output) => output.Json("plan.json").GetProperty("numeric_class").ToString();

    private static long PeakBytes(LayoutRun run) => run.Workers.Single().GetProperty("peak_memory_bytes").GetInt64();
}
