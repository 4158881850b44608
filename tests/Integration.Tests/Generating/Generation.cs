using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Generating;

/// <summary>Runs commands that generate and reads their JSON lines.</summary>
internal static class Generation
{
    public static string Sample { get; } = Repository.Sample("tiny-llama");

    /// <summary><c>generate --json</c> with float32: its answers.</summary>
    public static IReadOnlyList<JsonElement> Generate(params string[] arguments) => Lines(["generate", "--compute-dtype", "float32", .. arguments]);

    /// <summary><c>evaluate --json</c> with float32: its samples, then the rate.</summary>
    public static IReadOnlyList<JsonElement> Evaluate(params string[] arguments) => Lines(["evaluate", "--compute-dtype", "float32", .. arguments]);

    /// <summary>A chat: what a person types is read from a pipe.</summary>
    public static IReadOnlyList<JsonElement> Chat(string typed, params string[] arguments)
    {
        using var process = OrchestratorProcess.Start(["generate", "--compute-dtype", "float32", .. arguments, "--json"]);
        process.Type(typed);
        return Read(process.Finish());
    }

    public static int[] Ids(JsonElement answer, string member = "ids") => [.. answer.GetProperty(member).EnumerateArray().Select(id => id.GetInt32())];

    public static string Text(JsonElement answer) => answer.GetProperty("text").GetString()!;

    public static string Reason(JsonElement answer) => answer.GetProperty("finish_reason").GetString()!;

    private static IReadOnlyList<JsonElement> Lines(string[] arguments) => Read(OrchestratorProcess.Run([.. arguments, "--json"]));

    private static IReadOnlyList<JsonElement> Read(RunResult result)
    {
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.JsonLines;
    }
}
