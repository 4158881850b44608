using System.CommandLine.Parsing;

namespace Orchestrator.Coordinator.Cli;

/// <summary>What every path on the command line must be.</summary>
/// <remarks>An empty one, most often a variable of a script that is not set, would mean the current folder.</remarks>
internal static class PathCheck
{
    public static void NotEmpty(OptionResult result) => Check(result, result.Option.Name);

    public static void NotEmpty(ArgumentResult result) => Check(result, result.Argument.Name);

    private static void Check(SymbolResult result, string name)
    {
        if (result.Tokens.Any(token => token.Value.Length == 0))
        {
            result.AddError($"{name} is empty; give a path.");
        }
    }
}
