using System.Globalization;
using System.Numerics;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's int, of any size up to a limit.</summary>
internal sealed class IntValue(BigInteger value) : Value
{
    /// <summary>Longer results are refused; jinja2 would compute them for minutes.</summary>
    public const int MaxBits = 1 << 18;

    private const int SmallFrom = -16;
    private static readonly IntValue[] Small = [.. Enumerable.Range(SmallFrom, 1040).Select(i => new IntValue(i))];

    public BigInteger Number { get; } = value;

    public override string TypeName => "int";

    public override bool IsTrue => !Number.IsZero;

    public static IntValue Of(int value) => value >= SmallFrom && value < SmallFrom + Small.Length ? Small[value - SmallFrom] : new IntValue(value);

    public static IntValue Of(BigInteger value) =>
        value >= SmallFrom && value < SmallFrom + Small.Length ? Small[(int)value - SmallFrom] : new IntValue(value);

    /// <summary>The number behind an int or a bool.</summary>
    public static bool TryGet(Value value, out BigInteger number)
    {
        switch (value)
        {
            case IntValue i:
                number = i.Number;
                return true;
            case BoolValue b:
                number = b.IsTrue ? 1 : 0;
                return true;
            default:
                number = default;
                return false;
        }
    }

    /// <summary>A count or index out of an int or bool, clamped to the range of int; Python's error for anything else.</summary>
    public static int Index(Value value)
    {
        if (!TryGet(value, out var number))
        {
            throw new TemplateException(TemplateErrorKind.Type, $"'{value.TypeName}' object cannot be interpreted as an integer");
        }

        return Clamp(number);
    }

    public static int Clamp(BigInteger number) => number > int.MaxValue ? int.MaxValue : number < int.MinValue ? int.MinValue : (int)number;

    /// <summary>The decimal digits, unless there are more than Python prints.</summary>
    public static string Digits(BigInteger number)
    {
        if (number.GetBitLength() <= 14_280)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }

        var digits = number.GetBitLength() > 14_300 ? "" : number.ToString(CultureInfo.InvariantCulture);
        return digits.Length > 0 && digits.TrimStart('-').Length <= Syntax.NumberLiterals.MaxDigits ? digits
            : throw new TemplateException(
                TemplateErrorKind.Value,
                "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit");
    }

    public override Value? Attribute(string name) => Methods.NumberMethods.OfInteger(Number, name);

    public override void Repr(ReprWriter writer) => writer.Write(Digits(Number));
}
