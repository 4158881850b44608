using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers.Patterns;

// What stands after a backslash: an anchor, a set, or one character.
internal sealed partial class PatternParser
{
    private Anchor? AnchorEscape()
    {
        Anchor? anchor = AtEnd ? null : _pattern[_at] switch
        {
            'A' => Anchor.TextStart,
            'z' => Anchor.TextEnd,
            'Z' => Anchor.TextEndOrLastNewline,
            'b' => Anchor.WordBoundary,
            'B' => Anchor.NoWordBoundary,
            _ => null,
        };
        _at += anchor is null ? 0 : 1;
        return anchor;
    }

    // After the backslash: a set, or one character.
    private (RuneSet? Set, int Rune) Escape(int start, bool inClass)
    {
        int rune = AtEnd ? throw Refuse("a backslash at the end", start) : NextRune();
        switch (rune)
        {
            case 's' or 'S':
                return (Negated(UnicodeSets.Space, rune == 'S'), -1);
            case 'd' or 'D':
                return (Negated(UnicodeSets.Digit, rune == 'D'), -1);
            case 'w' or 'W':
                return (Negated(UnicodeSets.Word, rune == 'W'), -1);
            case 'h' or 'H':
                return (Negated(RuneSet.FromRanges([('0', '9'), ('A', 'F'), ('a', 'f')]), rune == 'H'), -1);
            case 'p' or 'P':
                return (Property(start, rune == 'P'), -1);
            case 'n':
                return (null, '\n');
            case 'r':
                return (null, '\r');
            case 't':
                return (null, '\t');
            case 'v':
                return (null, '\v');
            case 'f':
                return (null, '\f');
            case 'a':
                return (null, '\a');
            case 'e':
                return (null, 0x1B);
            case 'b' when inClass:
                return (null, '\b');
            case 'x' or 'u':
                return (null, Hexadecimal(start, rune == 'u' ? 4 : 2));
            case < 0x80 when char.IsAsciiLetterOrDigit((char)rune):
                throw Refuse($"'\\{(char)rune}'", start);
            default:
                return (null, rune);
        }
    }

    private static RuneSet Negated(RuneSet set, bool negative) => negative ? set.Negate() : set;

    private RuneSet Property(int start, bool negative)
    {
        int end = Take('{') ? _pattern.IndexOf('}', _at) : -1;
        if (end < 0)
        {
            throw Refuse("'\\p' without a name in braces", start);
        }

        string name = _pattern[_at..end];
        _at = end + 1;
        if (name.StartsWith('^'))
        {
            (name, negative) = (name[1..], !negative);
        }

        // Case folding of a property depends on the engine's tables; no published pattern needs it.
        var set = UnicodeSets.Property(name) ?? throw Refuse($"the property '\\p{{{ForeignText.Clip(name)}}}'", start);
        return _ignoreCase ? throw Refuse($"the property '\\p{{{ForeignText.Clip(name)}}}' where case is ignored", start) : Negated(set, negative);
    }

    private int Hexadecimal(int start, int digits)
    {
        int end = _at + digits;
        if (digits == 2 && Take('{'))
        {
            end = _pattern.IndexOf('}', _at);
        }

        bool valid = end > _at && end <= _pattern.Length;
        int rune = 0;
        valid = valid && end - _at <= 6 && int.TryParse(_pattern.AsSpan(_at, end - _at), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out rune) && Rune.IsValid(rune);
        if (!valid || (digits == 2 && _pattern[_at - 1] != '{' && rune >= 0x80))
        {
            throw Refuse("a hexadecimal escape that is no character", start);
        }

        _at = _pattern[_at - 1] == '{' ? end + 1 : end;
        return rune;
    }
}
