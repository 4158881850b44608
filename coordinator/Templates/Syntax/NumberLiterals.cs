using System.Globalization;
using System.Numerics;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Jinja's spellings of numbers: underscores between digits, 0x, 0o and 0b, exponents.</summary>
internal static class NumberLiterals
{
    /// <summary>Python refuses to read longer decimal numbers, and so no literal can cost quadratic time.</summary>
    public const int MaxDigits = 4300;

    /// <summary>The end of the float at <paramref name="at"/>, or null.</summary>
    public static int? Float(string text, int at)
    {
        var end = Digits(text, at);
        var isFloat = false;
        if (end < text.Length && text[end] == '.' && Digits(text, end + 1) is var fraction && fraction > end + 1)
        {
            end = fraction;
            isFloat = true;
        }

        if (end < text.Length && text[end] is 'e' or 'E')
        {
            var exponent = end + 1 < text.Length && text[end + 1] is '+' or '-' ? end + 2 : end + 1;
            var behind = Digits(text, exponent);
            if (behind > exponent)
            {
                end = behind;
                isFloat = true;
            }
        }

        return isFloat ? end : null;
    }

    /// <summary>The end of the integer at <paramref name="at"/>, where a digit stands.</summary>
    public static int Integer(string text, int at)
    {
        if (text[at] != '0')
        {
            return Run(text, at, char.IsAsciiDigit);
        }

        if (at + 1 < text.Length && Base(text[at + 1]) is { } isDigit)
        {
            var end = Run(text, at + 2, isDigit, mayStartWithUnderscore: true);
            if (end > at + 2)
            {
                return end;
            }
        }

        return Run(text, at, c => c == '0');
    }

    public static double ParseFloat(string literal) =>
        double.Parse(literal.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture);

    /// <summary>The value, or null if it is longer than Python reads.</summary>
    public static BigInteger? ParseInteger(string literal)
    {
        var digits = literal.Replace("_", "", StringComparison.Ordinal);
        if (digits.Length > MaxDigits)
        {
            return null;
        }

        return digits is ['0', 'x' or 'X' or 'o' or 'O' or 'b' or 'B', ..]
            ? ParseBase(digits[2..], char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, _ => 2 })
            : BigInteger.Parse(digits, CultureInfo.InvariantCulture);
    }

    /// <summary>A number in a base from 2 to 36; null where a character is no digit of it.</summary>
    public static BigInteger? ParseBase(string digits, int numberBase)
    {
        if (digits.Length is 0 or > MaxDigits)
        {
            return null;
        }

        var value = BigInteger.Zero;
        foreach (var c in digits)
        {
            var digit = c switch
            {
                >= '0' and <= '9' => c - '0',
                >= 'a' and <= 'z' => c - 'a' + 10,
                >= 'A' and <= 'Z' => c - 'A' + 10,
                _ => int.MaxValue,
            };
            if (digit >= numberBase)
            {
                return null;
            }

            value = (value * numberBase) + digit;
        }

        return value;
    }

    private static Func<char, bool>? Base(char c) => c switch
    {
        'x' or 'X' => char.IsAsciiHexDigit,
        'o' or 'O' => d => d is >= '0' and <= '7',
        'b' or 'B' => d => d is '0' or '1',
        _ => null,
    };

    private static int Digits(string text, int at) => Run(text, at, char.IsAsciiDigit);

    /// <summary>Digits, each but the first with at most one underscore before it.</summary>
    private static int Run(string text, int at, Func<char, bool> isDigit, bool mayStartWithUnderscore = false)
    {
        var end = at;
        while (end < text.Length)
        {
            if (isDigit(text[end]))
            {
                end++;
            }
            else if (text[end] == '_' && (end > at || mayStartWithUnderscore) && end + 1 < text.Length && isDigit(text[end + 1]))
            {
                end += 2;
            }
            else
            {
                break;
            }
        }

        return end;
    }
}
