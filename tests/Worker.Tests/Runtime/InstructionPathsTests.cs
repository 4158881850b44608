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
