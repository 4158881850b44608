using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>One job run on one layout with as many workers as it needs.</summary>
internal sealed class LayoutRun
{
    public LayoutRun(string job, string output, int replicas, int stages, params string[] set)
    {
        (Replicas, Stages) = (replicas, stages);
        string[] arguments =
        [
            "train", job, "--out", output, "--workers", $"{replicas * stages}", "--json",
            "--set", $"layout={{replicas: {replicas}, stages: {stages}}}", .. set.SelectMany(key => new[] { "--set", key }),
        ];
        Result = OrchestratorProcess.Run(arguments);
        Assert.True(Result.ExitCode == 0, $"{replicas}x{stages}: {Result}");
        Output = new RunOutput(output);
        Summary = Result.LastJson;
    }

    public int Replicas { get; }

    public int Stages { get; }

    public RunResult Result { get; }

    public RunOutput Output { get; }

    /// <summary>The last line of <c>train --json</c>.</summary>
    public JsonElement Summary { get; }

    public IEnumerable<JsonElement> Workers => Summary.GetProperty("workers").EnumerateArray();
}
