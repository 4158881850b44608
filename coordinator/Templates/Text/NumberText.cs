using System.Globalization;
using System.Numerics;
using System.Text;
using Orchestrator.Coordinator.Templates.Syntax;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>int() and float() of a text.</summary>
internal static class NumberText
{
    /// <summary>The number, or null where Python raises ValueError.</summary>
    public static BigInteger? ParseInteger(string text, int numberBase, Budget budget)
    {
        budget.Step(text.Length >> 4);
        var digits = AsciiDigits(Stripping.Strip(text, null, left: true, right: true));
        var negative = digits.StartsWith('-');
        digits = digits.TrimStart() is ['+' or '-', ..] ? digits[1..] : digits;
        var prefix = digits is ['0', var mark, ..] ? char.ToLowerInvariant(mark) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        if (prefix != 0 && (numberBase == prefix || numberBase == 0))
        {
            (digits, numberBase) = (digits[2..].TrimStart('_'), prefix);
        }

        numberBase = numberBase == 0 ? 10 : numberBase;
        if (numberBase is < 2 or > 36 || digits.Length == 0 || digits.StartsWith('_') || digits.EndsWith('_') || digits.Contains("__", StringComparison.Ordinal))
        {
            return null;
        }

        return NumberLiterals.ParseBase(digits.Replace("_", "", StringComparison.Ordinal), numberBase) is { } value ? negative ? -value : value : null;
    }

    /// <summary>The number, or null where Python raises ValueError.</summary>
    public static double? ParseFloat(string text, Budget budget)
    {
        budget.Step(text.Length >> 4);
        var digits = AsciiDigits(Stripping.Strip(text, null, left: true, right: true));
        var unsigned = digits is ['+' or '-', ..] ? digits[1..] : digits;
        var special = unsigned.ToLowerInvariant() switch
        {
            "inf" or "infinity" => double.PositiveInfinity,
            "nan" => double.NaN,
            _ => 0,
        };
        if (special != 0)
        {
            return digits.StartsWith('-') ? -special : special;
        }

        if (unsigned.Length == 0 || !(char.IsAsciiDigit(unsigned[0]) || unsigned[0] == '.') || HasStrayUnderscore(unsigned))
        {
            return null;
        }

        return double.TryParse(
            unsigned.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value)
            ? digits.StartsWith('-') ? -value : value : null;
    }

    /// <summary>Decimal digits of other scripts count as well.</summary>
    private static string AsciiDigits(string text) => Ascii.IsValid(text) ? text : string.Concat(text.EnumerateRunes().Select(rune =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber ? ((int)Rune.GetNumericValue(rune)).ToString(CultureInfo.InvariantCulture) : rune.ToString()));

    /// <summary>Underscores may only stand between two digits.</summary>
    private static bool HasStrayUnderscore(string text)
    {
        for (var at = text.IndexOf('_', StringComparison.Ordinal); at >= 0; at = text.IndexOf('_', at + 1))
        {
            if (at == 0 || at == text.Length - 1 || !char.IsAsciiDigit(text[at - 1]) || !char.IsAsciiDigit(text[at + 1]))
            {
                return true;
            }
        }

        return false;
    }
}
