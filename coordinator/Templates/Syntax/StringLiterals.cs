using System.Globalization;
using System.Text;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>The escapes of Python's string literals (the "unicode-escape" codec).</summary>
internal static class StringLiterals
{
    /// <summary>The value of what stands between the quotes; an escape that Python refuses is a syntax error.</summary>
    public static string Unescape(string body)
    {
        if (!body.Contains('\\', StringComparison.Ordinal))
        {
            return body;
        }

        var text = new StringBuilder(body.Length);
        for (var i = 0; i < body.Length;)
        {
            if (body[i] != '\\')
            {
                text.Append(body[i++]);
                continue;
            }

            i = Escape(body, i + 1, text);
        }

        return text.ToString();
    }

    /// <summary>Reads the escape whose first character after the backslash is at <paramref name="i"/>; returns the place behind it.</summary>
    private static int Escape(string body, int i, StringBuilder text)
    {
        var c = body[i];
        if (Simple(c) is { } simple)
        {
            text.Append(simple);
            return i + 1;
        }

        switch (c)
        {
            case '\n':
                return i + 1;
            case 'x':
                return Hex(body, i, 2, text);
            case 'u':
                return Hex(body, i, 4, text);
            case 'U':
                return Hex(body, i, 8, text);
            case 'N':
                return Named(body, i + 1, text);
            case >= '0' and <= '7':
                return Octal(body, i, text);
            default:
                return Unknown(body, i, text);
        }
    }

    /// <summary>A backslash stays before what it does not escape. Jinja spells a character beyond ASCII in ASCII first, so behind a backslash that spelling is left.</summary>
    private static int Unknown(string body, int i, StringBuilder text)
    {
        text.Append('\\');
        if (char.IsAscii(body[i]))
        {
            text.Append(body[i]);
            return i + 1;
        }

        var isPair = char.IsHighSurrogate(body[i]) && i + 1 < body.Length && char.IsLowSurrogate(body[i + 1]);
        var codePoint = isPair ? char.ConvertToUtf32(body[i], body[i + 1]) : body[i];
        var (letter, digits) = codePoint switch
        {
            <= 0xFF => ('x', "x2"),
            <= 0xFFFF => ('u', "x4"),
            _ => ('U', "x8"),
        };
        text.Append(letter).Append(codePoint.ToString(digits, CultureInfo.InvariantCulture));
        return i + (isPair ? 2 : 1);
    }

    private static char? Simple(char c) => c switch
    {
        '\\' or '\'' or '"' => c,
        'a' => '\a',
        'b' => '\b',
        'f' => '\f',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\v',
        _ => null,
    };

    private static int Octal(string body, int i, StringBuilder text)
    {
        var value = 0;
        var end = Math.Min(i + 3, body.Length);
        while (i < end && body[i] is >= '0' and <= '7')
        {
            value = (value * 8) + (body[i++] - '0');
        }

        text.Append((char)value);
        return i;
    }

    /// <summary>Reads the digits behind the letter at <paramref name="i"/>.</summary>
    private static int Hex(string body, int i, int digits, StringBuilder text)
    {
        var letter = body[i++];
        if (i + digits > body.Length
            || !uint.TryParse(body.AsSpan(i, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            throw new TemplateException(TemplateErrorKind.Syntax, $"truncated \\{letter}{new string('X', digits)} escape");
        }

        if (value > 0x10FFFF)
        {
            throw new TemplateException(TemplateErrorKind.Syntax, "illegal Unicode character");
        }

        AppendCodePoint(text, (int)value);
        return i + digits;
    }

    /// <summary>Adds a code point; a lone surrogate stays one.</summary>
    private static void AppendCodePoint(StringBuilder text, int value)
    {
        if (value < 0x10000)
        {
            text.Append((char)value);
        }
        else
        {
            text.Append(char.ConvertFromUtf32(value));
        }
    }

    /// <summary>Names of characters: the runtime has no table of them, so only the ten digits and the Latin letters are known.</summary>
    private static int Named(string body, int i, StringBuilder text)
    {
        var close = i < body.Length && body[i] == '{' ? body.IndexOf('}', i) : -1;
        if (close <= i + 1)
        {
            throw new TemplateException(TemplateErrorKind.Syntax, "malformed \\N character escape");
        }

        var name = body[(i + 1)..close];
        text.Append(CharacterNames.Find(name)
            ?? throw new TemplateException(TemplateErrorKind.Unsupported, $"the character name {name} is not known here: write it as \\u and four digits"));
        return close + 1;
    }
}
