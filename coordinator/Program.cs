using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator;

internal static class Program
{
    private static Task<int> Main(string[] arguments) => CommandLine.RunAsync(arguments, CommandOutput.OfProcess());
}
