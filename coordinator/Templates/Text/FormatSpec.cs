using System.Globalization;
using System.Numerics;
using System.Text;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>Python's format(value, spec): the mini-language behind the colon of <c>'{:>5}'.format</c>.</summary>
internal sealed class FormatSpec
{
    private string? _fill;
    private char _align;
    private char _sign = '-';
    private bool _alternate;
    private int _width;
    private char _grouping;
    private int _precision = -1;
    private char _type;

    private FormatSpec()
    {
    }

    public static string Apply(Value value, string spec, Budget budget)
    {
        if (spec.Length == 0)
        {
            return value.ToText(budget);
        }

        if (value is not (StrValue or IntValue or FloatValue or BoolValue))
        {
            throw new TemplateException(TemplateErrorKind.Type, $"unsupported format string passed to {value.TypeName}.__format__");
        }

        var parsed = Parse(spec, value);
        return value switch
        {
            StrValue text => parsed.Text(text, budget),
            FloatValue number => parsed.Float(number.Number, budget),
            _ when IntValue.TryGet(value, out var integer) => parsed.Integer(value, integer, budget),
            _ => "",
        };
    }

    private static FormatSpec Parse(string spec, Value value)
    {
        var parsed = new FormatSpec();
        var i = 0;
        var first = Characters.Width(spec, 0);
        if (spec.Length > first && spec[first] is '<' or '>' or '^' or '=')
        {
            parsed._fill = spec[..first];
            parsed._align = spec[first];
            i = first + 1;
        }
        else if (spec[0] is '<' or '>' or '^' or '=')
        {
            parsed._align = spec[i++];
        }

        parsed._sign = Take(spec, ref i, "+- ") ?? '-';
        Take(spec, ref i, "z");
        parsed._alternate = Take(spec, ref i, "#") is not null;
        if (Take(spec, ref i, "0") is not null)
        {
            parsed._fill ??= "0";
            parsed._align = parsed._align != '\0' ? parsed._align : value is StrValue ? '<' : '=';
        }

        parsed._width = Digits(spec, ref i) ?? 0;
        parsed._grouping = Take(spec, ref i, ",_") ?? '\0';
        if (Take(spec, ref i, ".") is not null)
        {
            parsed._precision = Digits(spec, ref i) ?? throw new TemplateException(TemplateErrorKind.Value, "Format specifier missing precision");
        }

        if (i < spec.Length)
        {
            parsed._type = spec[i++];
        }

        return i == spec.Length ? parsed
            : throw new TemplateException(TemplateErrorKind.Value, $"Invalid format specifier '{spec}' for object of type '{value.TypeName}'");
    }

    private static char? Take(string spec, ref int i, string any) => i < spec.Length && any.Contains(spec[i], StringComparison.Ordinal) ? spec[i++] : null;

    private static int? Digits(string spec, ref int i)
    {
        var start = i;
        while (i < spec.Length && char.IsAsciiDigit(spec[i]))
        {
            i++;
        }

        return i == start ? null : int.TryParse(spec.AsSpan(start, i - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw new TemplateException(TemplateErrorKind.Value, "Too many decimal digits in format string");
    }

    private string Text(StrValue text, Budget budget)
    {
        if (_type is not ('\0' or 's'))
        {
            throw Unknown("str");
        }

        if (_align == '=' || _grouping != '\0')
        {
            throw new TemplateException(TemplateErrorKind.Value, _align == '=' ? "'=' alignment not allowed in string format specifier" : "Cannot specify ',' with 's'.");
        }

        var shown = _precision >= 0 && _precision < text.Length ? text.Part(0, _precision) : text.Text;
        return Pad("", shown, '<', budget);
    }

    private string Integer(Value value, BigInteger integer, Budget budget)
    {
        if (_type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%')
        {
            return Float(Numbers.ToDouble(value)!.Value, budget);
        }

        if (_precision >= 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, "Precision not allowed in integer format specifier");
        }

        var magnitude = BigInteger.Abs(integer);
        var (prefix, digits, group) = _type switch
        {
            '\0' or 'd' or 'n' => ("", IntValue.Digits(magnitude), 3),
            'x' => ("0x", Hex(magnitude), 4),
            'X' => ("0X", Hex(magnitude).ToUpperInvariant(), 4),
            'b' => ("0b", magnitude.IsZero ? "0" : magnitude.ToString("b", CultureInfo.InvariantCulture).TrimStart('0'), 4),
            'o' => ("0o", Octal(magnitude), 4),
            'c' => ("", integer >= 0 && integer <= 0x10FFFF ? FormatCharacter((int)integer) : throw CharacterRange(), 0),
            _ => throw Unknown(value.TypeName),
        };
        budget.Allocate(digits.Length * 2L);
        return PadNumber(SignOf(integer.Sign < 0) + (_alternate ? prefix : ""), digits, group, budget);
    }

    private string Float(double number, Budget budget)
    {
        var precision = _precision < 0 ? 6 : _precision;
        budget.Allocate(precision + 400L);
        var magnitude = Math.Abs(number);
        string digits;
        if (!double.IsFinite(number))
        {
            digits = (double.IsNaN(number) ? "nan" : "inf") + (_type == '%' ? "%" : "");
            digits = _type is 'E' or 'F' or 'G' ? digits.ToUpperInvariant() : digits;
        }
        else
        {
            digits = _type switch
            {
                'e' or 'E' => FloatText.Scientific(magnitude, precision, _type),
                'f' or 'F' => FloatText.Fixed(magnitude, precision),
                'g' or 'G' or 'n' => FloatText.General(magnitude, precision, _alternate, _type == 'G' ? 'E' : 'e'),
                '%' => FloatText.Fixed(magnitude * 100, precision) + "%",
                '\0' when _precision < 0 => FloatText.Repr(magnitude),
                '\0' => ReprGeneral(magnitude, precision),
                _ => throw Unknown("float"),
            };
        }

        return PadNumber(SignOf(double.IsNegative(number) && !double.IsNaN(number)), digits, 3, budget);
    }

    /// <summary>No type but a precision: like g, with one digit behind the point at least.</summary>
    private static string ReprGeneral(double magnitude, int precision)
    {
        var text = FloatText.General(magnitude, precision, keepZeros: false);
        var (_, exponent) = (0, text.IndexOf('e', StringComparison.Ordinal));
        return exponent >= 0 || text.Contains('.', StringComparison.Ordinal) ? text
            : text.Length > precision - 1 && precision > 0 && text.Length >= precision ? FloatText.Scientific(magnitude, Math.Max(precision - 1, 0)).Replace(".0e", "e", StringComparison.Ordinal)
            : text + ".0";
    }

    private string SignOf(bool negative) => negative ? "-" : _sign == '-' ? "" : _sign.ToString();

    /// <summary>Separators between groups of the digits before the point.</summary>
    private string Grouped(string digits, int size)
    {
        if (_grouping == '\0' || size == 0)
        {
            return digits;
        }

        var end = WholeDigits(digits);
        var grouped = new StringBuilder(digits.Length + Separators(end, size));
        for (var at = 0; at < end; at++)
        {
            if (at > 0 && (end - at) % size == 0)
            {
                grouped.Append(_grouping);
            }

            grouped.Append(digits[at]);
        }

        return grouped.Append(digits, end, digits.Length - end).ToString();
    }

    /// <summary>How many digits stand before the point, or whatever follows them.</summary>
    private static int WholeDigits(string digits)
    {
        var end = 0;
        while (end < digits.Length && char.IsAsciiHexDigit(digits[end]))
        {
            end++;
        }

        return end;
    }

    private static int Separators(int wholeDigits, int size) => size == 0 || wholeDigits == 0 ? 0 : (wholeDigits - 1) / size;

    /// <summary>Zeros that fill up a number are digits of it: they are grouped too, and never begin with a separator.</summary>
    private string PadNumber(string sign, string digits, int group, Budget budget)
    {
        if (_grouping != '\0' && _fill == "0" && _align == '=')
        {
            budget.Allocate(_width * 4L);
            var whole = WholeDigits(digits);
            var (filled, others) = (whole, sign.Length + digits.Length - whole);
            while (others + filled + 1 + Separators(filled + 1, group) <= _width)
            {
                filled++;
            }

            if (others + filled + Separators(filled, group) < _width)
            {
                filled++;
            }

            digits = new string('0', filled - whole) + digits;
        }

        return Pad(sign, Grouped(digits, group), '>', budget);
    }

    private string Pad(string sign, string body, char standard, Budget budget)
    {
        var fill = _fill ?? " ";
        var align = _align == '\0' ? standard : _align;
        var missing = Math.Max(0, _width - Characters.Count(sign) - Characters.Count(body));
        var left = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        var (before, behind) = (Arithmetic.Repeat(fill, left, budget), Arithmetic.Repeat(fill, missing - left, budget));
        budget.Allocate(body.Length);
        return align == '=' ? sign + before + body : before + sign + body + behind;
    }

    private TemplateException Unknown(string type) => new(TemplateErrorKind.Value, $"Unknown format code '{_type}' for object of type '{type}'");

    private static TemplateException CharacterRange() => new(TemplateErrorKind.Overflow, "%c arg not in range(0x110000)");

    private static string FormatCharacter(int codePoint) => codePoint < 0x10000 ? ((char)codePoint).ToString() : char.ConvertFromUtf32(codePoint);

    internal static string Hex(BigInteger magnitude) => magnitude.IsZero ? "0" : magnitude.ToString("x", CultureInfo.InvariantCulture).TrimStart('0');

    internal static string Octal(BigInteger magnitude)
    {
        if (magnitude.IsZero)
        {
            return "0";
        }

        var bits = magnitude.ToString("b", CultureInfo.InvariantCulture).TrimStart('0');
        bits = bits.PadLeft((bits.Length + 2) / 3 * 3, '0');
        return string.Concat(Enumerable.Range(0, bits.Length / 3).Select(i => (char)('0' + ((bits[i * 3] - '0') * 4) + ((bits[(i * 3) + 1] - '0') * 2) + (bits[(i * 3) + 2] - '0'))));
    }
}
