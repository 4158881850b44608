using System.Globalization;
using System.Numerics;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>Floats as Python writes and rounds them: exact decimals, ties to even.</summary>
internal static class FloatText
{
    /// <summary>No double has more decimals than this; further ones are zeros.</summary>
    private const int MaxDecimals = 1080;

    /// <summary>repr: the shortest digits that read back as the same number.</summary>
    public static string Repr(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        var (digits, exponent) = Shortest(value);
        var sign = double.IsNegative(value) ? "-" : "";
        if (exponent is < -4 or >= 16)
        {
            return sign + digits[..1] + (digits.Length > 1 ? "." + digits[1..] : "") + Exponent(exponent, 'e');
        }

        if (exponent < 0)
        {
            return sign + "0." + new string('0', -exponent - 1) + digits;
        }

        return sign + (digits.Length <= exponent + 1 ? digits.PadRight(exponent + 1, '0') + ".0" : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..]);
    }

    /// <summary>%f of a finite number.</summary>
    public static string Fixed(double value, int decimals)
    {
        var scaled = Scale(Math.Abs(value), Math.Min(decimals, MaxDecimals));
        var digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(Math.Min(decimals, MaxDecimals) + 1, '0');
        var point = digits.Length - Math.Min(decimals, MaxDecimals);
        var text = (double.IsNegative(value) ? "-" : "") + digits[..point];
        return decimals == 0 ? text : text + "." + digits[point..].PadRight(decimals, '0');
    }

    /// <summary>%e of a finite number.</summary>
    public static string Scientific(double value, int decimals, char letter = 'e')
    {
        var (digits, exponent) = Rounded(Math.Abs(value), Math.Min(decimals, MaxDecimals) + 1);
        return (double.IsNegative(value) ? "-" : "") + digits[..1] + (decimals == 0 ? "" : "." + digits[1..].PadRight(decimals, '0')) + Exponent(exponent, letter);
    }

    /// <summary>%g of a finite number; <paramref name="keepZeros"/> is the # flag.</summary>
    public static string General(double value, int precision, bool keepZeros, char letter = 'e')
    {
        precision = Math.Max(1, precision);
        var (_, exponent) = Rounded(Math.Abs(value), Math.Min(precision, MaxDecimals));
        if (exponent >= -4 && exponent < precision)
        {
            var fixedText = Fixed(value, precision - 1 - exponent);
            return keepZeros ? fixedText : Trim(fixedText);
        }

        var scientific = Scientific(value, precision - 1, letter);
        var mark = scientific.IndexOf(letter, StringComparison.Ordinal);
        return keepZeros ? scientific : Trim(scientific[..mark]) + scientific[mark..];
    }

    /// <summary>round(value, decimals) of a float.</summary>
    public static double Round(double value, int decimals)
    {
        if (!double.IsFinite(value) || value == 0 || decimals > 330)
        {
            return value;
        }

        if (decimals >= 0)
        {
            return double.Parse(Fixed(value, decimals), CultureInfo.InvariantCulture);
        }

        var scaled = RoundInteger(Scale(Math.Abs(value), MaxDecimals), MaxDecimals + Math.Min(-decimals, 400)) / BigInteger.Pow(10, MaxDecimals);
        return Math.CopySign((double)scaled, value);
    }

    /// <summary>An integer rounded to a power of ten, ties to even.</summary>
    public static BigInteger RoundInteger(BigInteger value, int zeros)
    {
        if (zeros <= 0)
        {
            return value;
        }

        // More places than it has: a power of ten that large would only be divided by.
        if (zeros > 2 + (value.GetBitLength() * 0.30103))
        {
            return BigInteger.Zero;
        }

        var unit = BigInteger.Pow(10, zeros);
        return RoundedQuotient(value, unit) * unit;
    }

    private static string Exponent(int exponent, char letter) => $"{letter}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";

    private static string Trim(string digits) => digits.Contains('.', StringComparison.Ordinal) ? digits.TrimEnd('0').TrimEnd('.') : digits;

    /// <summary>The shortest digits and the exponent of the first one.</summary>
    private static (string Digits, int Exponent) Shortest(double value)
    {
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var mark = shortest.IndexOf('E', StringComparison.Ordinal);
        var mantissa = mark < 0 ? shortest : shortest[..mark];
        var power = mark < 0 ? 0 : int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = mantissa.Replace(".", "", StringComparison.Ordinal);
        var leading = whole.Length - whole.TrimStart('0').Length;
        var digits = whole.Trim('0');
        var exponent = digits.Length == 0 ? 0 : power + (point < 0 ? mantissa.Length : point) - 1 - leading;
        return (digits.Length == 0 ? "0" : digits, exponent);
    }

    /// <summary>Exactly so many significant digits and the exponent of the first one.</summary>
    private static (string Digits, int Exponent) Rounded(double value, int count)
    {
        if (value == 0)
        {
            return (new string('0', count), 0);
        }

        var (numerator, denominator) = Fraction(value);
        for (var exponent = (int)Math.Floor(Math.Log10(value)) - 1; ; exponent++)
        {
            var shift = count - 1 - exponent;
            var digits = RoundedQuotient(
                shift > 0 ? numerator * BigInteger.Pow(10, shift) : numerator, shift < 0 ? denominator * BigInteger.Pow(10, -shift) : denominator)
                .ToString(CultureInfo.InvariantCulture);
            if (digits.Length <= count)
            {
                return (digits, exponent);
            }
        }
    }

    private static BigInteger Scale(double value, int decimals)
    {
        var (numerator, denominator) = Fraction(value);
        return RoundedQuotient(numerator * BigInteger.Pow(10, decimals), denominator);
    }

    private static (BigInteger Numerator, BigInteger Denominator) Fraction(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        mantissa = exponent == 0 ? mantissa : mantissa | (1L << 52);
        exponent = Math.Max(exponent, 1) - 1075;
        return exponent >= 0 ? (new BigInteger(mantissa) << exponent, BigInteger.One) : (mantissa, BigInteger.One << -exponent);
    }

    private static BigInteger RoundedQuotient(BigInteger value, BigInteger unit)
    {
        var quotient = BigInteger.DivRem(BigInteger.Abs(value), unit, out var rest);
        var twice = (rest << 1).CompareTo(unit);
        if (twice > 0 || (twice == 0 && !quotient.IsEven))
        {
            quotient += 1;
        }

        return value.Sign < 0 ? -quotient : quotient;
    }
}
