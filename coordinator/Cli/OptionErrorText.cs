using System.CommandLine.Parsing;

namespace Orchestrator.Coordinator.Cli;

/// <summary>What is said of an option's or argument's value that cannot be read: one sentence that names it, without the library's own types and lines.</summary>
internal static class OptionErrorText
{
    public static string Of(ParseError error)
    {
        var (name, type) = error.SymbolResult switch
        {
            OptionResult option => (option.Option.Name, option.Option.ValueType),
            ArgumentResult { Parent: OptionResult option } => (option.Option.Name, option.Option.ValueType),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument.ValueType),
            _ => (null, null),
        };
        if (name is null)
        {
            return error.Message;
        }

        var lines = error.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var given = error.SymbolResult!.Tokens is [var token, ..] ? $" '{token.Value}'" : "";
        // The choices stand below each other, each in quotes.
        return lines.Length > 1 && lines[0].EndsWith(':') ? $"{name}{given} is none of {string.Join(", ", lines[1..].Select(line => line.Trim('\'')))}."
            : error.Message.Contains("expected type", StringComparison.Ordinal) ? $"{name}{given} is not {KindOf(type!)}."
            : error.Message;
    }

    private static string KindOf(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain == typeof(int) || plain == typeof(long) || plain == typeof(ulong) ? "a whole number" : plain == typeof(double) || plain == typeof(float) ? "a number" : "a value that it takes";
    }
}
