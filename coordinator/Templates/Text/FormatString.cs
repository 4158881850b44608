using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>str.format in the sandbox: fields reach attributes and items only as templates may.</summary>
internal sealed class FormatString(Func<string, Value> lookup, RenderContext context)
{
    private const int MaxNesting = 2;
    private int _automatic;
    private bool? _isAutomatic;

    /// <summary>Formats with positional and named arguments.</summary>
    public static string Apply(string format, IReadOnlyList<Value> positional, Func<string, Value?> named, RenderContext context)
    {
        var formatter = new FormatString(Find, context);
        return formatter.Format(format, MaxNesting);

        Value Find(string name)
        {
            if (name.All(char.IsAsciiDigit))
            {
                return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < positional.Count ? positional[index]
                    : throw new TemplateException(TemplateErrorKind.Lookup, "tuple index out of range");
            }

            return named(name) ?? throw new TemplateException(TemplateErrorKind.Lookup, StrValue.Quote(name));
        }
    }

    private string Format(string format, int nesting)
    {
        if (nesting < 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, "Max string recursion exceeded");
        }

        var result = new StringBuilder();
        for (var i = 0; i < format.Length;)
        {
            context.Budget.Step();
            var c = format[i];
            if (c is not ('{' or '}'))
            {
                context.Budget.Allocate(1);
                result.Append(c);
                i++;
            }
            else if (i + 1 < format.Length && format[i + 1] == c)
            {
                result.Append(c);
                i += 2;
            }
            else if (c == '}')
            {
                throw new TemplateException(TemplateErrorKind.Value, "Single '}' encountered in format string");
            }
            else
            {
                var end = FieldEnd(format, i + 1);
                var field = Field(format[(i + 1)..end], nesting);
                context.Budget.Allocate(field.Length);
                result.Append(field);
                i = end + 1;
            }
        }

        return result.ToString();
    }

    private static int FieldEnd(string format, int start)
    {
        var depth = 1;
        var inBrackets = false;
        for (var i = start; i < format.Length; i++)
        {
            inBrackets = format[i] switch { '[' when depth == 1 => true, ']' => false, _ => inBrackets };
            depth += inBrackets ? 0 : format[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0)
            {
                return i;
            }
        }

        throw new TemplateException(TemplateErrorKind.Value, start == format.Length ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private string Field(string field, int nesting)
    {
        var nameEnd = NameEnd(field);
        var value = Resolve(field[..nameEnd]);
        var rest = field[nameEnd..];
        if (rest.StartsWith('!'))
        {
            if (rest.Length < 2 || (rest.Length > 2 && rest[2] != ':'))
            {
                throw new TemplateException(TemplateErrorKind.Value, "expected ':' after conversion specifier");
            }

            value = new StrValue(Convert(value, rest[1]));
            rest = rest[2..];
        }

        var spec = rest.StartsWith(':') ? Format(rest[1..], nesting - 1) : "";
        return FormatSpec.Apply(value, spec, context.Budget);
    }

    /// <summary>The place of the conversion or the spec, past brackets.</summary>
    private static int NameEnd(string field)
    {
        var inBrackets = false;
        for (var i = 0; i < field.Length; i++)
        {
            inBrackets = field[i] switch { '[' => true, ']' => false, _ => inBrackets };
            if (!inBrackets && field[i] is '!' or ':')
            {
                return i;
            }
        }

        return field.Length;
    }

    private string Convert(Value value, char conversion) => conversion switch
    {
        's' => value.ToText(context.Budget),
        'r' => Shown(value),
        'a' => PercentFormat.AsciiOnly(Shown(value)),
        _ => throw new TemplateException(TemplateErrorKind.Value, $"Unknown conversion specifier {conversion}"),
    };

    private string Shown(Value value)
    {
        var writer = new ReprWriter(context.Budget);
        writer.Write(value);
        return writer.ToString();
    }

    private Value Resolve(string name)
    {
        var end = name.AsSpan().IndexOfAny('.', '[');
        var first = end < 0 ? name : name[..end];
        var isAutomatic = first.Length == 0;
        if (isAutomatic || first.All(char.IsAsciiDigit))
        {
            if (_isAutomatic is { } before && before != isAutomatic)
            {
                throw new TemplateException(TemplateErrorKind.Value, before
                    ? "cannot switch from automatic field numbering to manual field specification" : "cannot switch from manual field specification to automatic field numbering");
            }

            _isAutomatic = isAutomatic;
            first = isAutomatic ? (_automatic++).ToString(CultureInfo.InvariantCulture) : first;
        }

        var value = lookup(first);
        for (var i = end; i >= 0 && i < name.Length;)
        {
            var close = name[i] == '[' ? name.IndexOf(']', i) : name.AsSpan(i + 1).IndexOfAny('.', '[');
            if (name[i] == '[')
            {
                value = close < 0 ? throw new TemplateException(TemplateErrorKind.Value, "Missing ']' in format string") : Sandbox.Item(value, Key(name[(i + 1)..close]), context.Budget);
                i = close + 1;
            }
            else
            {
                var stop = close < 0 ? name.Length : i + 1 + close;
                value = name[i] == '.' && stop > i + 1 ? Sandbox.Attribute(value, name[(i + 1)..stop], context.Budget)
                    : throw new TemplateException(TemplateErrorKind.Value, "Empty attribute in format string");
                i = stop;
            }
        }

        return value;
    }

    private static Value Key(string key) =>
        key.Length > 0 && key.All(char.IsAsciiDigit) && int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? IntValue.Of(index) : new StrValue(key);
}
