using Spectre.Console;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>A console on a writer that is known to lead to a terminal.</summary>
internal static class ColouredConsole
{
    public static IAnsiConsole On(TextWriter writer) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard, Out = new AnsiConsoleOutput(writer) });
}
