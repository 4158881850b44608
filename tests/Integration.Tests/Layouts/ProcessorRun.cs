using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>A training that may use only some of the machine's processors.</summary>
internal static class ProcessorRun
{
    public static RunOutput Train(int processors, string job, string output, params string[] arguments)
    {
        var allowed = ProcessFacts.Processors();
        Assert.True(allowed.Count >= processors, $"{processors} processors are needed, {allowed.Count} may be used");
        using var process = OrchestratorProcess.StartProgram("taskset", ["-c", string.Join(',', allowed.Take(processors)), Repository.Coordinator, "train", job, "--out", output, "--json", .. arguments]);
        var result = process.Finish();
        Assert.True(result.ExitCode == 0, result.ToString());
        return new RunOutput(output);
    }
}
