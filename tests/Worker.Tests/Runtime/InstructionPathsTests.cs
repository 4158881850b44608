using System.CommandLine;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Runtime;

/// <summary>What a job file may ask of a worker's compute is what a worker can be told.</summary>
public sealed class InstructionPathsTests
{
    [Fact]
    public void Names_OfAllPaths_AreTheJobFilesChoices() => Assert.Equal(Enum.GetValues<InstructionPath>().Select(path => path.Name()), JobKeys.InstructionPaths);

    /// <summary>The kernel names what the processor has and it hands out; this repeats none of the reading of CPUID.</summary>
    [Fact]
    public void Best_IsTheHighestPathWhoseFlagsTheKernelNames()
    {
        var flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal)).Split(' ').ToHashSet(StringComparer.Ordinal);
        (InstructionPath Path, string[] Flags)[] paths =
        [
            (InstructionPath.Avx2, ["avx2", "fma", "bmi2"]),
            (InstructionPath.Avx512, ["avx512f", "avx512bw", "avx512dq", "avx512vl"]),
            (InstructionPath.Avx512Bf16, ["avx512_bf16"]),
            (InstructionPath.AmxBf16, ["amx_tile", "amx_bf16"]),
        ];
        var expected = paths.TakeWhile(path => path.Flags.All(flags.Contains)).Select(path => path.Path).LastOrDefault(InstructionPath.Portable);
        Assert.Equal(expected, InstructionPaths.Best());
    }

    [Theory]
    [InlineData(JobKeys.MaxComputeThreads, 0)]
    [InlineData(JobKeys.MaxComputeThreads + 1, 1)]
    public void Threads_MostOfAJobFile_AreTheMostOfAWorker(int threads, int errors)
    {
        var command = new RootCommand();
        foreach (var option in new WorkerCommand().ComputeOptions)
            command.Options.Add(option);
        Assert.Equal(errors, command.Parse(["--threads", $"{threads}"]).Errors.Count);
    }
}
