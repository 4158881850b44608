using System.Numerics;
using System.Text;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>Python's <c>format % values</c>.</summary>
internal sealed class PercentFormat
{
    private readonly string _format;
    private readonly RenderContext _context;
    private readonly IReadOnlyList<Value> _values;
    private readonly Value? _mapping;
    private readonly bool _escapes;
    private readonly StringBuilder _result = new();
    private int _at;
    private int _used;

    private PercentFormat(StrValue format, Value values, RenderContext context)
    {
        _format = format.Text;
        _escapes = format.IsSafe;
        _context = context;
        _values = values is TupleValue tuple ? tuple.Items : [values];
        _mapping = values is DictValue or ListValue or RangeValue or UndefinedValue ? values : null;
    }

    public static StrValue Apply(StrValue format, Value values, RenderContext context)
    {
        var text = new PercentFormat(format, values, context).Run();
        return new StrValue(text, format.IsSafe);
    }

    /// <summary>Python's ascii() of a repr.</summary>
    public static string AsciiOnly(string repr)
    {
        var text = new StringBuilder(repr.Length);
        foreach (var c in Characters.CodePoints(repr))
        {
            _ = c < 0x7F ? text.Append((char)c) : c < 0x100 ? text.Append("\\x").Append(c.ToString("x2"))
                : c < 0x10000 ? text.Append("\\u").Append(c.ToString("x4")) : text.Append("\\U").Append(c.ToString("x8"));
        }

        return text.ToString();
    }

    private string Run()
    {
        while (_at < _format.Length)
        {
            _context.Budget.Step();
            var percent = _format.IndexOf('%', _at);
            var end = percent < 0 ? _format.Length : percent;
            _context.Budget.Allocate(end - _at);
            _result.Append(_format, _at, end - _at);
            _at = end;
            if (percent >= 0)
            {
                _at++;
                Directive();
            }
        }

        if (_used < _values.Count && _mapping is null)
        {
            throw new TemplateException(TemplateErrorKind.Type, "not all arguments converted during string formatting");
        }

        return _result.ToString();
    }

    private void Directive()
    {
        if (Peek() == '%')
        {
            _at++;
            _result.Append('%');
            return;
        }

        var start = _at;
        Value? named = Peek() == '(' ? Named() : null;
        var flags = "";
        while (Peek() is '#' or '0' or '-' or ' ' or '+')
        {
            var flag = _format[_at++];
            flags += flags.Contains(flag, StringComparison.Ordinal) ? "" : flag;
        }

        var width = Number(named);
        if (width < 0)
        {
            flags += '-';
            width = -width;
        }

        var precision = -1;
        if (Peek() == '.')
        {
            _at++;
            precision = Math.Max(0, Number(named));
        }

        while (Peek() is 'h' or 'l' or 'L')
        {
            _at++;
        }

        var type = Peek();
        if (type == '\0')
        {
            throw new TemplateException(TemplateErrorKind.Value, "incomplete format");
        }

        _at++;
        _context.Budget.Step((_at - start) >> 4);
        Pad(Convert(type, named ?? Next(), flags, precision), flags, width, isNumber: "diuoxXeEfFgG".Contains(type, StringComparison.Ordinal));
    }

    private char Peek() => _at < _format.Length ? _format[_at] : '\0';

    private Value Named()
    {
        var depth = 0;
        var start = _at + 1;
        do
        {
            depth += Peek() switch { '(' => 1, ')' => -1, '\0' => throw new TemplateException(TemplateErrorKind.Value, "incomplete format key"), _ => 0 };
            _at++;
        }
        while (depth > 0);
        var key = new StrValue(_format[start..(_at - 1)]);
        if (_mapping is null)
        {
            throw new TemplateException(TemplateErrorKind.Type, "format requires a mapping");
        }

        _used = _values.Count;
        return _mapping.Item(key, _context.Budget) ?? throw new TemplateException(TemplateErrorKind.Lookup, StrValue.Quote(key.Text));
    }

    private Value Next() => _used < _values.Count ? _values[_used++] : throw new TemplateException(TemplateErrorKind.Type, "not enough arguments for format string");

    /// <summary>A width or precision in digits, or * for the next argument.</summary>
    private int Number(Value? named)
    {
        if (Peek() == '*' && named is null)
        {
            _at++;
            return IntValue.TryGet(Next(), out var given) ? IntValue.Clamp(given) : throw new TemplateException(TemplateErrorKind.Type, "* wants int");
        }

        long number = 0;
        while (char.IsAsciiDigit(Peek()))
        {
            number = Math.Min((number * 10) + (_format[_at++] - '0'), int.MaxValue);
        }

        return (int)number;
    }

    private (string Sign, string Body) Convert(char type, Value value, string flags, int precision)
    {
        switch (type)
        {
            case 's' or 'r' or 'a':
                var text = type == 's' ? value.ToText(_context.Budget) : Shown(value, type == 'a');
                text = precision >= 0 ? new StrValue(text).Part(0, Math.Min(precision, Characters.Count(text))) : text;
                return ("", _escapes && value is not StrValue { IsSafe: true } ? Html.EscapeAgain(text, _context.Budget).Text : text);
            case 'c':
                return ("", Character(value));
            case 'd' or 'i' or 'u' or 'o' or 'x' or 'X':
                return Integer(type, value, flags, precision);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return Float(type, value, flags, precision < 0 ? 6 : precision);
            default:
                throw new TemplateException(TemplateErrorKind.Value, $"unsupported format character '{type}' (0x{(int)type:x}) at index {Characters.Count(_format.AsSpan(0, _at - 1))}");
        }
    }

    private string Shown(Value value, bool ascii)
    {
        var writer = new ReprWriter(_context.Budget);
        writer.Write(value);
        return ascii ? AsciiOnly(writer.ToString()) : writer.ToString();
    }

    private static string Character(Value value)
    {
        if (value is StrValue { Length: 1 } text)
        {
            return text.Text;
        }

        if (!IntValue.TryGet(value, out var code))
        {
            throw new TemplateException(TemplateErrorKind.Type, "%c requires int or char");
        }

        return code >= 0 && code <= 0x10FFFF ? code < 0x10000 ? ((char)(int)code).ToString() : char.ConvertFromUtf32((int)code)
            : throw new TemplateException(TemplateErrorKind.Overflow, "%c arg not in range(0x110000)");
    }

    private (string Sign, string Body) Integer(char type, Value value, string flags, int precision)
    {
        var isInteger = IntValue.TryGet(value, out var integer);
        if (!isInteger && (value is not FloatValue || type is 'o' or 'x' or 'X'))
        {
            var needed = type is 'o' or 'x' or 'X' ? "an integer is required" : "a real number is required";
            throw new TemplateException(TemplateErrorKind.Type, $"%{type} format: {needed}, not {value.TypeName}");
        }

        if (!isInteger)
        {
            var number = ((FloatValue)value).Number;
            integer = double.IsFinite(number) ? new BigInteger(Math.Truncate(number))
                : throw new TemplateException(TemplateErrorKind.Overflow, "cannot convert float infinity to integer");
        }

        var magnitude = BigInteger.Abs(integer);
        var digits = type switch
        {
            'o' => FormatSpec.Octal(magnitude),
            'x' => FormatSpec.Hex(magnitude),
            'X' => FormatSpec.Hex(magnitude).ToUpperInvariant(),
            _ => IntValue.Digits(magnitude),
        };
        if (precision > digits.Length)
        {
            digits = Arithmetic.Repeat("0", precision - digits.Length, _context.Budget) + digits;
        }

        var prefix = flags.Contains('#', StringComparison.Ordinal) && type is 'o' or 'x' or 'X' ? "0" + type : "";
        return (Sign(integer.Sign < 0, flags) + prefix, digits);
    }

    private (string Sign, string Body) Float(char type, Value value, string flags, int precision)
    {
        var number = value is UndefinedValue ? null : Numbers.ToDouble(value);
        if (number is not { } known)
        {
            throw new TemplateException(TemplateErrorKind.Type, $"must be real number, not {value.TypeName}");
        }

        _context.Budget.Allocate(precision + 400L);
        var magnitude = Math.Abs(known);
        var digits = !double.IsFinite(known) ? double.IsNaN(known) ? "nan" : "inf" : type switch
        {
            'e' or 'E' => FloatText.Scientific(magnitude, precision, type),
            'f' or 'F' => FloatText.Fixed(magnitude, precision),
            _ => FloatText.General(magnitude, precision, flags.Contains('#', StringComparison.Ordinal), type == 'G' ? 'E' : 'e'),
        };
        return (Sign(double.IsNegative(known) && !double.IsNaN(known), flags), char.IsUpper(type) ? digits.ToUpperInvariant() : digits);
    }

    private static string Sign(bool negative, string flags) =>
        negative ? "-" : flags.Contains('+', StringComparison.Ordinal) ? "+" : flags.Contains(' ', StringComparison.Ordinal) ? " " : "";

    private void Pad((string Sign, string Body) shown, string flags, int width, bool isNumber)
    {
        var missing = width - (long)Characters.Count(shown.Sign) - Characters.Count(shown.Body);
        var left = flags.Contains('-', StringComparison.Ordinal);
        var zeros = isNumber && !left && flags.Contains('0', StringComparison.Ordinal);
        var fill = Arithmetic.Repeat(zeros ? "0" : " ", missing, _context.Budget);
        _context.Budget.Allocate(shown.Sign.Length + shown.Body.Length);
        _result.Append(left || zeros ? "" : fill).Append(shown.Sign).Append(zeros ? fill : "").Append(shown.Body).Append(left ? fill : "");
    }
}
