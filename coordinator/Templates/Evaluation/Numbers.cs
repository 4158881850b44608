using System.Numerics;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Arithmetic of int, bool and float with Python's rounding and errors.</summary>
internal static class Numbers
{
    /// <summary>The result, or null if one side is no number.</summary>
    public static Value? Apply(BinaryOperator symbol, Value left, Value right, Budget budget)
    {
        if (IntValue.TryGet(left, out var a) && IntValue.TryGet(right, out var b))
        {
            return Integers(symbol, a, b, budget);
        }

        return ToDouble(left) is { } x && ToDouble(right) is { } y ? Floats(symbol, x, y) : null;
    }

    /// <summary>A number as a float; an int that is too large is Python's OverflowError.</summary>
    public static double? ToDouble(Value value)
    {
        if (value is FloatValue number)
        {
            return number.Number;
        }

        if (!IntValue.TryGet(value, out var integer))
        {
            return null;
        }

        var converted = Nearest(integer);
        return double.IsInfinity(converted) ? throw new TemplateException(TemplateErrorKind.Overflow, "int too large to convert to float") : converted;
    }

    /// <summary>The nearest double, ties to even; the runtime's own conversion cuts off.</summary>
    public static double Nearest(BigInteger integer)
    {
        var magnitude = BigInteger.Abs(integer);
        var shift = (int)Math.Min(magnitude.GetBitLength() - 55, int.MaxValue);
        if (shift <= 0)
        {
            // Up to 55 bits fit a long, whose conversion rounds.
            return (long)integer;
        }

        var top = (long)(magnitude >> shift);
        var sticky = (magnitude & ((BigInteger.One << shift) - 1)).IsZero ? 0 : 1;
        var value = Math.ScaleB((double)(((top << 1) | (long)sticky) << 1), shift - 2);
        return integer.Sign < 0 ? -value : value;
    }

    private static Value Integers(BinaryOperator symbol, BigInteger a, BigInteger b, Budget budget)
    {
        switch (symbol)
        {
            case BinaryOperator.Add:
                return Checked(a + b);
            case BinaryOperator.Subtract:
                return Checked(a - b);
            case BinaryOperator.Multiply:
                Charge(a.GetBitLength() + b.GetBitLength(), budget);
                return Checked(a * b);
            case BinaryOperator.Divide:
                return b.IsZero ? throw ZeroDivision("division by zero") : new FloatValue(Quotient(a, b));
            case BinaryOperator.FloorDivide:
                Charge(a.GetBitLength(), budget);
                return b.IsZero ? throw ZeroDivision("integer division or modulo by zero") : IntValue.Of((a - Modulo(a, b)) / b);
            case BinaryOperator.Modulo:
                Charge(a.GetBitLength(), budget);
                return b.IsZero ? throw ZeroDivision("integer modulo by zero") : IntValue.Of(Modulo(a, b));
            default:
                return Power(a, b, budget);
        }
    }

    private static BigInteger Modulo(BigInteger a, BigInteger b)
    {
        var rest = BigInteger.Remainder(a, b);
        return !rest.IsZero && rest.Sign != b.Sign ? rest + b : rest;
    }

    /// <summary>The nearest double of a fraction.</summary>
    private static double Quotient(BigInteger a, BigInteger b)
    {
        const long exact = 1L << 53;
        if (BigInteger.Abs(a) <= exact && BigInteger.Abs(b) <= exact)
        {
            return (double)a / (double)b;
        }

        // Scaled so that the quotient has more bits than a double; the last one stands for all that were cut off.
        var shift = (int)Math.Clamp(66 - (a.GetBitLength() - b.GetBitLength()), -IntValue.MaxBits, IntValue.MaxBits);
        var quotient = BigInteger.DivRem(shift > 0 ? BigInteger.Abs(a) << shift : BigInteger.Abs(a), shift < 0 ? BigInteger.Abs(b) << -shift : BigInteger.Abs(b), out var rest);
        var value = Math.ScaleB(Nearest(rest.IsZero ? quotient : quotient | 1), -shift);
        if (double.IsInfinity(value))
        {
            throw new TemplateException(TemplateErrorKind.Overflow, "integer division result too large for a float");
        }

        return a.Sign * b.Sign < 0 ? -value : value;
    }

    private static Value Power(BigInteger a, BigInteger b, Budget budget)
    {
        if (b.Sign < 0)
        {
            return Floats(BinaryOperator.Power, Nearest(a), Nearest(b));
        }

        if (BigInteger.Abs(a) <= 1)
        {
            return IntValue.Of(a.IsOne || b.IsZero ? 1 : a.IsZero ? 0 : b.IsEven ? 1 : -1);
        }

        if (b * (a.GetBitLength() - 1) > IntValue.MaxBits)
        {
            throw TooLarge();
        }

        Charge((long)b * a.GetBitLength() * 2, budget);
        return Checked(BigInteger.Pow(a, (int)b));
    }

    private static FloatValue Floats(BinaryOperator symbol, double x, double y) => symbol switch
    {
        BinaryOperator.Add => new FloatValue(x + y),
        BinaryOperator.Subtract => new FloatValue(x - y),
        BinaryOperator.Multiply => new FloatValue(x * y),
        BinaryOperator.Divide => y == 0 ? throw ZeroDivision("float division by zero") : new FloatValue(x / y),
        BinaryOperator.FloorDivide => y == 0 ? throw ZeroDivision("float floor division by zero") : new FloatValue(FloorDivide(x, y).Quotient),
        BinaryOperator.Modulo => y == 0 ? throw ZeroDivision("float modulo") : new FloatValue(FloorDivide(x, y).Modulus),
        _ => new FloatValue(Power(x, y)),
    };

    /// <summary>CPython's float_divmod.</summary>
    private static (double Quotient, double Modulus) FloorDivide(double x, double y)
    {
        var rest = x % y;
        var quotient = (x - rest) / y;
        if (rest != 0)
        {
            if ((y < 0) != (rest < 0))
            {
                rest += y;
                quotient -= 1;
            }
        }
        else
        {
            rest = Math.CopySign(0, y);
        }

        if (quotient == 0)
        {
            return (Math.CopySign(0, x / y), rest);
        }

        var floor = Math.Floor(quotient);
        return (quotient - floor > 0.5 ? floor + 1 : floor, rest);
    }

    private static double Power(double x, double y)
    {
        if (x == 0 && y < 0)
        {
            throw ZeroDivision("0.0 cannot be raised to a negative power");
        }

        if (x < 0 && Math.Floor(y) != y && !double.IsInfinity(x) && !double.IsInfinity(y))
        {
            throw new TemplateException(TemplateErrorKind.Unsupported, "a negative number to a broken power is complex, which a chat template has no use for");
        }

        var result = Math.Pow(x, y);
        return double.IsInfinity(result) && !double.IsInfinity(x) && !double.IsInfinity(y)
            ? throw new TemplateException(TemplateErrorKind.Overflow, "(34, 'Numerical result out of range')") : result;
    }

    private static IntValue Checked(BigInteger value) => value.GetBitLength() <= IntValue.MaxBits ? IntValue.Of(value) : throw TooLarge();

    /// <summary>Products and quotients cost the square of their words.</summary>
    private static void Charge(long bits, Budget budget)
    {
        var words = bits >> 5;
        budget.Step((words * words) >> 7);
    }

    private static TemplateException TooLarge() => Budget.Exhausted($"numbers of more than {IntValue.MaxBits} bits");

    private static TemplateException ZeroDivision(string message) => new(TemplateErrorKind.ZeroDivision, message);
}
