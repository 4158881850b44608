using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>YAML 1.2's spelling of plain values: reading them and writing them.</summary>
internal static partial class YamlText
{
    public static bool? ToBoolean(YamlScalar scalar) => !scalar.IsPlain ? null : scalar.Text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    /// <summary>A whole number: decimal, 0o octal or 0x hexadecimal. Null: it is none, or it does not fit.</summary>
    public static Int128? ToInteger(YamlScalar scalar)
    {
        var text = scalar.Text;
        if (!scalar.IsPlain || !IntegerPattern().IsMatch(text))
        {
            return null;
        }

        if (text.StartsWith("0x", StringComparison.Ordinal))
        {
            return Int128.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hexadecimal) ? hexadecimal : null;
        }

        if (text.StartsWith("0o", StringComparison.Ordinal))
        {
            return text.Length > 24 ? null : text.Skip(2).Aggregate((Int128)0, (value, digit) => (value * 8) + (digit - '0'));
        }

        return Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    /// <summary>A finite number, also as Python prints it (1e-08). Null: it is none.</summary>
    public static double? ToNumber(YamlScalar scalar)
    {
        if (ToInteger(scalar) is { } integer)
        {
            return (double)integer;
        }

        return scalar.IsPlain && NumberPattern().IsMatch(scalar.Text)
            && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null;
    }

    /// <summary>A value in flow style on one line: null, bool, number, text, list or name-value pairs.</summary>
    public static string Write(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double number => Number(number),
        string text => Text(text),
        ValueMap<int> map => Pairs(map),
        ValueMap<double> map => Pairs(map),
        ValueMap<string> map => Pairs(map),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Write))}]",
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"A {value.GetType().Name} is no value of a job file.", nameof(value)),
    };

    /// <summary>A number for a sentence.</summary>
    public static string Plain(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static string Pairs<T>(ValueMap<T> map) => $"{{{string.Join(", ", map.Select(pair => $"{Text(pair.Key)}: {Write(pair.Value)}"))}}}";

    // The shortest spelling that reads back equal, always recognizable as a number by YAML 1.1 readers too (they want a point).
    private static string Number(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        var exponent = text.IndexOf('E', StringComparison.Ordinal);
        var digits = exponent < 0 ? text : text[..exponent];
        return (digits.Contains('.', StringComparison.Ordinal) ? digits : digits + ".0") + (exponent < 0 ? "" : "e" + text[(exponent + 1)..]);
    }

    private static string Text(string text)
    {
        if (WordPattern().IsMatch(text) && !ReservedPattern().IsMatch(text))
        {
            return text;
        }

        var quoted = new StringBuilder("\"");
        foreach (var character in text)
        {
            if (character is '"' or '\\')
            {
                quoted.Append('\\').Append(character);
            }
            else if (char.IsControl(character) || character is '\u2028' or '\u2029' or '\uFEFF')
            {
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
            else
            {
                quoted.Append(character);
            }
        }

        return quoted.Append('"').ToString();
    }

    [GeneratedRegex(@"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex IntegerPattern();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NumberPattern();

    // Words that some YAML reader takes for null or a boolean.
    [GeneratedRegex(@"^(null|true|false|yes|no|on|off|y|n)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex ReservedPattern();

    [GeneratedRegex(@"^[A-Za-z_/][A-Za-z0-9_./-]*\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WordPattern();
}
