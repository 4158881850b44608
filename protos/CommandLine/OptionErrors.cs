using System.CommandLine;
using System.CommandLine.Parsing;

namespace Orchestrator.Protos.CommandLine;

/// <summary>What is said of a command line that cannot be read, by every program of the repository: a sentence for each mistake, without the library's own types and lines.</summary>
/// <remarks>Pure. What a validator or parser of an option says itself is left as it is.</remarks>
public static class OptionErrors
{
    /// <summary>The sentences, in the order of the mistakes, each once: an option that stands in several commands is validated for each.</summary>
    public static IReadOnlyList<string> Of(ParseResult parsed)
    {
        var unknown = Unmatched(parsed).ToList();
        // A command that is not known is missing, too.
        var others = parsed.Errors.Where(error => !Begins(error, "Unrecognized command or argument") && (unknown.Count == 0 || !Begins(error, "Required command was not provided")));
        return [.. others.Select(error => SentenceOf(error, parsed.CommandResult.Command)).Concat(unknown).Distinct(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Unmatched(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var options = OptionsOf(parsed.CommandResult).SelectMany(option => option.Aliases.Prepend(option.Name)).ToList();
        var isBehindUnknown = false;
        foreach (var token in parsed.UnmatchedTokens)
        {
            if (IsOption(token))
            {
                var name = token.Split('=')[0];
                yield return $"{name} is no option of {command.Name}{Suggestion(name, options)}";
            }
            else if (!isBehindUnknown)
            {
                yield return command.Subcommands.Count > 0 && command.Arguments.Count == 0
                    ? $"'{token}' is no command{Suggestion(token, command.Subcommands.Select(inner => inner.Name))}"
                    : $"'{token}' is too much: {command.Name} takes {(command.Arguments.Count == 0 ? "options alone" : string.Join(' ', command.Arguments.Select(argument => argument.Name)))}.";
            }

            // What follows an unknown option is most likely its value.
            isBehindUnknown = IsOption(token);
        }
    }

    private static IEnumerable<Option> OptionsOf(CommandResult command)
    {
        var own = command.Command.Options.Where(option => !option.Hidden);
        return command.Parent is CommandResult parent ? own.Concat(OptionsOf(parent).Where(option => option.Recursive)) : own;
    }

    private static bool IsOption(string token) => token.Length > 1 && token[0] == '-';

    private static string Suggestion(string name, IEnumerable<string> known)
    {
        var nearest = NearestName.Of(name, known);
        return nearest is not null && NearestName.Distance(name, nearest) <= Math.Max(2, name.Length / 3) ? $"; did you mean {nearest}?" : ".";
    }

    private static string SentenceOf(ParseError error, Command command)
    {
        if (Begins(error, "Required command was not provided"))
        {
            return $"A command is missing; give one of {string.Join(", ", command.Subcommands.Select(inner => inner.Name))}.";
        }

        var symbol = error.SymbolResult switch
        {
            OptionResult option => option.Option,
            ArgumentResult { Parent: OptionResult option } => option.Option,
            ArgumentResult argument => argument.Argument,
            // What is missing altogether is told of the command.
            _ => Named(error, command),
        };
        return symbol is null ? error.Message
            : Begins(error, "Required argument missing for option") ? $"{symbol.Name} has no value; give {About(symbol)}."
            : Begins(error, "Required argument") || error.Message.EndsWith("is required.", StringComparison.Ordinal) ? $"{symbol.Name} is missing; give {About(symbol)}."
            : error.Message.Contains("expects a single argument", StringComparison.Ordinal) ? $"{symbol.Name} is given more than once; give it once."
            : OfValue(error, symbol);
    }

    private static string OfValue(ParseError error, Symbol symbol)
    {
        var lines = error.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var given = error.SymbolResult!.Tokens is [var token, ..] ? $" '{token.Value}'" : "";
        // The choices stand below each other, each in quotes.
        return lines.Length > 1 && lines[0].EndsWith(':') ? $"{symbol.Name}{given} is none of {string.Join(", ", lines[1..].Select(line => line.Trim('\'')))}."
            : error.Message.Contains("expected type", StringComparison.Ordinal) ? $"{symbol.Name}{given} is not {KindOf(symbol)}."
            : error.Message;
    }

    private static Symbol? Named(ParseError error, Command command) =>
        error.Message.Split('\'') is [_, var name, ..] ? command.Options.Cast<Symbol>().Concat(command.Arguments).FirstOrDefault(symbol => symbol.Name == name) : null;

    /// <summary>A symbol's description as a part of a sentence.</summary>
    private static string About(Symbol symbol) =>
        symbol.Description is { Length: > 1 } text ? (char.IsUpper(text[1]) ? text[..1] : text[..1].ToLowerInvariant()) + text[1..].TrimEnd('.') : "it";

    private static string KindOf(Symbol symbol)
    {
        var type = symbol is Option option ? option.ValueType : ((Argument)symbol).ValueType;
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain == typeof(int) || plain == typeof(long) || plain == typeof(ulong) ? "a whole number" : plain == typeof(double) || plain == typeof(float) ? "a number" : "a value that it takes";
    }

    private static bool Begins(ParseError error, string text) => error.Message.StartsWith(text, StringComparison.Ordinal);
}
