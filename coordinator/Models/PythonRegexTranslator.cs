using System.Buffers;
using System.Globalization;
using System.Text;

namespace Orchestrator.Coordinator.Models;

/// <summary>Translates one pattern of Python's into .NET's spelling, from left to right.</summary>
/// <remarks>For one use. Refuses whatever has no equal there; .NET itself then refuses what is an error in both.</remarks>
internal sealed class PythonRegexTranslator(string pattern, string where, bool inside)
{
    private const int MaxLength = 10_000;

    private static readonly SearchValues<char> VaryingWidth = SearchValues.Create("*+?{|([");

    private readonly StringBuilder _output = new();
    private int _at;
    private bool _namedGroups;
    private bool _numberedReferences;

    public string Translate()
    {
        if (pattern.Length > MaxLength)
        {
            throw Refuse($"is longer than {MaxLength} characters");
        }

        while (_at < pattern.Length)
        {
            char c = pattern[_at++];
            switch (c)
            {
                case '\\':
                    Escape(inClass: false);
                    break;
                case '[':
                    Class();
                    break;
                case '(' when Peek('?'):
                    _at++;
                    Group();
                    break;
                case '{':
                    Braces();
                    break;
                default:
                    _output.Append(c);
                    break;
            }
        }

        // .NET numbers named groups after the others, Python in order.
        return _namedGroups && _numberedReferences ? throw Refuse("mixes named groups with numbered references, which is not supported") : _output.ToString();
    }

    private void Escape(bool inClass)
    {
        if (_at == pattern.Length)
        {
            throw Refuse("ends with a backslash");
        }

        char c = pattern[_at++];
        if (char.IsAsciiDigit(c))
        {
            Digits(c, inClass);
        }
        else if (c == 'Z' && !inClass)
        {
            _output.Append(@"\z");
        }
        else if (char.IsAsciiLetter(c))
        {
            string allowed = inClass ? "bdDsSwWafnrtvxu" : "AbBdDsSwWafnrtvxu";
            _output.Append('\\').Append(allowed.Contains(c, StringComparison.Ordinal) ? c : throw Refuse($"has the escape \\{c}, which is not supported"));
        }
        else if (char.IsAscii(c) && c != '_')
        {
            _output.Append('\\').Append(c);
        }
        else
        {
            _output.Append(c);
        }
    }

    private void Digits(char first, bool inClass)
    {
        if (first == '0' || inClass || (_at < pattern.Length && char.IsAsciiDigit(pattern[_at])))
        {
            throw Refuse("has an octal escape or a reference beyond \\9, which is not supported");
        }

        if (inside)
        {
            throw Refuse("has a numbered reference, which is not supported here");
        }

        _numberedReferences = true;
        _output.Append('\\').Append(first);
    }

    // In .NET '-[' inside a class subtracts; in Python it is two characters.
    private void Class()
    {
        _output.Append('[');
        if (Peek('^'))
        {
            _output.Append('^');
            _at++;
        }

        for (bool first = true; ; first = false)
        {
            if (_at == pattern.Length)
            {
                throw Refuse("has a '[' that is never closed");
            }

            char c = pattern[_at++];
            switch (c)
            {
                case ']' when !first:
                    _output.Append(']');
                    return;
                case ']' or '[':
                    _output.Append('\\').Append(c);
                    break;
                case '\\':
                    Escape(inClass: true);
                    break;
                default:
                    _output.Append(c);
                    break;
            }
        }
    }

    private void Group()
    {
        string rest = pattern[_at..];
        if (rest.StartsWith("P<", StringComparison.Ordinal))
        {
            _namedGroups = true;
            _at += 2;
            _output.Append("(?<").Append(Name('>')).Append('>');
        }
        else if (rest.StartsWith("P=", StringComparison.Ordinal))
        {
            _at += 2;
            _output.Append(@"\k<").Append(Name(')')).Append('>');
        }
        else if (rest.StartsWith('#'))
        {
            int end = pattern.IndexOf(')', _at);
            _at = end < 0 ? throw Refuse("has a comment that is never closed") : end + 1;
        }
        else if (rest.StartsWith("<=", StringComparison.Ordinal) || rest.StartsWith("<!", StringComparison.Ordinal))
        {
            LookBehind();
        }
        else if (rest is [':' or '=' or '!' or '>', ..])
        {
            _output.Append("(?").Append(pattern[_at++]);
        }
        else
        {
            Flags();
        }
    }

    private string Name(char close)
    {
        int end = pattern.IndexOf(close, _at);
        string name = end < 0 ? "" : pattern[_at..end];
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            throw Refuse("has a group without a proper name");
        }

        _at = end + 1;
        return name;
    }

    // Python wants a fixed width; .NET does not. What could vary is refused rather than measured.
    private void LookBehind()
    {
        int end = pattern.IndexOf(')', _at);
        if (end < 0 || pattern.AsSpan(_at + 2, end - _at - 2).ContainsAny(VaryingWidth))
        {
            throw Refuse("has a look-behind that is more than plain characters, which is not supported");
        }

        _output.Append("(?").Append(pattern, _at, 2);
        _at += 2;
    }

    private void Flags()
    {
        int start = _at;
        while (_at < pattern.Length && pattern[_at] is 'i' or 'm' or 's' or '-')
        {
            _at++;
        }

        string flags = pattern[start.._at];
        bool global = Peek(')');
        bool atStart = start == 2 && !inside;
        bool wellFormed = flags.Length > 0 && flags.Count(c => c == '-') <= 1 && !flags.EndsWith('-');
        bool placed = Peek(':') || (global && atStart && !flags.Contains('-', StringComparison.Ordinal));
        if (!wellFormed || !placed)
        {
            throw Refuse($"has the group '(?{ForeignText.Clip(pattern[start..Math.Min(pattern.Length, _at + 1)])}', which is not supported");
        }

        _output.Append(CultureInfo.InvariantCulture, $"(?{flags}{(global ? ')' : ':')}");
        _at++;
    }

    // A missing lower bound is 0 in Python and plain text in .NET.
    private void Braces()
    {
        _output.Append('{');
        if (Peek(','))
        {
            int end = _at + 1;
            while (end < pattern.Length && char.IsAsciiDigit(pattern[end]))
            {
                end++;
            }

            if (end < pattern.Length && pattern[end] == '}')
            {
                _output.Append('0');
            }
        }
    }

    private bool Peek(char c) => _at < pattern.Length && pattern[_at] == c;

    private InvalidInputException Refuse(string problem) => new($"{where}: the regular expression '{ForeignText.Clip(pattern)}' {problem}.");
}
