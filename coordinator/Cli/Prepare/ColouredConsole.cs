using Spectre.Console;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>A console on a writer that is known to lead to a terminal.</summary>
internal static class ColouredConsole
{
    /// <summary>Lines stay whole, for breaks at the width would stand in what a person copies: the terminal wraps them itself.</summary>
    public static IAnsiConsole On(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard, Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = int.MaxValue;
        return console;
    }
}
