using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>A command that ran in this process, as the program would run it without a terminal.</summary>
internal sealed record CommandRun(int Code, string Results, string Messages)
{
    /// <summary>The lines of its results.</summary>
    public string[] Lines => Results.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static async Task<CommandRun> RunAsync(params string[] arguments)
    {
        await using var results = new StringWriter();
        await using var messages = new StringWriter();
        var code = await CommandLine.RunAsync(arguments, new CommandOutput(results, messages, IsTerminal: false));
        return new CommandRun(code, results.ToString(), messages.ToString());
    }
}
