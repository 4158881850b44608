using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>Parses the regular expressions of tokenizer.json with the syntax and meaning that Oniguruma gives them.</summary>
/// <remarks>
/// What is not known is refused with its place in the pattern, never guessed: back references, scripts (<c>\p{Han}</c>), conditionals, multi-character case
/// folding. Captures only group. Depth and length are bounded.
/// </remarks>
internal sealed class PatternParser
{
    private const int MaxLength = 10_000;
    private const int MaxDepth = 60;
    private const int MaxRepeat = 100_000;

    // Pairs that a single character folds to (ß, ﬀ, ﬁ, ﬂ, ﬆ): where case is ignored Oniguruma lets that character match them.
    private static readonly string[] FoldedPairs = ["ss", "ff", "fi", "fl", "st"];

    private readonly string _pattern;
    private readonly string _where;
    private int _at;
    private int _depth;
    private bool _ignoreCase;

    private PatternParser(string pattern, string where)
    {
        (_pattern, _where) = (pattern, where);
    }

    private bool AtEnd => _at >= _pattern.Length;

    /// <summary>Parses <paramref name="pattern"/>; <paramref name="where"/> names it in messages.</summary>
    public static PatternNode Parse(string pattern, string where)
    {
        if (pattern.Length > MaxLength)
        {
            throw new InvalidInputException($"{where}: the regular expression has {pattern.Length} characters; at most {MaxLength} are read.");
        }

        var parser = new PatternParser(pattern, where);
        var node = parser.Choice();
        return parser.AtEnd ? node : throw parser.Refuse("a closing parenthesis without an opening one");
    }

    /// <summary>The pattern that matches a text as it stands.</summary>
    public static PatternNode Literal(string text) => new SequenceNode([.. text.EnumerateRunes().Select(rune => new SetNode(RuneSet.Of(rune.Value)))]);

    private PatternNode Choice()
    {
        if (++_depth > MaxDepth)
        {
            throw Refuse($"nesting deeper than {MaxDepth}");
        }

        bool ignoreCase = _ignoreCase;
        var items = new List<PatternNode> { Sequence() };
        while (Take('|'))
        {
            items.Add(Sequence());
        }

        _ignoreCase = ignoreCase;
        _depth--;
        return items.Count == 1 ? items[0] : new ChoiceNode(items);
    }

    private PatternNode Sequence()
    {
        var items = new List<PatternNode>();
        while (!AtEnd && _pattern[_at] is not ('|' or ')'))
        {
            int start = _at;
            if (Option())
            {
                continue;
            }

            var item = Quantified(Atom());
            if (item is SetNode { Folded: not '\0' } second && items is [.., SetNode { Folded: not '\0' } first] && FoldedPairs.Contains($"{first.Folded}{second.Folded}"))
            {
                throw Refuse($"'{first.Folded}{second.Folded}' where case is ignored (a single character folds to it)", start);
            }

            items.Add(item);
        }

        return items.Count == 1 ? items[0] : new SequenceNode(items);
    }

    // (?i) and (?-i) hold to the end of the group.
    private bool Option()
    {
        foreach (var (text, value) in (ReadOnlySpan<(string, bool)>)[("(?i)", true), ("(?-i)", false)])
        {
            if (_pattern.AsSpan(_at).StartsWith(text))
            {
                _at += text.Length;
                _ignoreCase = value;
                return true;
            }
        }

        return false;
    }

    private PatternNode Quantified(PatternNode body)
    {
        while (!AtEnd)
        {
            int start = _at;
            var (min, max, isInterval) = Quantifier();
            if (min < 0)
            {
                return body;
            }

            if (body is AnchorNode or LookNode)
            {
                throw Refuse("a quantifier after an assertion", start);
            }

            var kind = RepeatKind.Greedy;
            if (Take('?'))
            {
                // Oniguruma reads {n}? as "n times or not at all".
                kind = isInterval && min == max ? throw Refuse("'{n}?'", start) : RepeatKind.Lazy;
            }
            else if (!isInterval && Take('+'))
            {
                // Only after *, + and ?: {1,3}+ repeats the group, so a run of any length stays one piece.
                kind = RepeatKind.Possessive;
            }

            body = new RepeatNode(body, min, max, kind);
        }

        return body;
    }

    private (int Min, int Max, bool IsInterval) Quantifier()
    {
        switch (_pattern[_at])
        {
            case '*':
                _at++;
                return (0, -1, false);
            case '+':
                _at++;
                return (1, -1, false);
            case '?':
                _at++;
                return (0, 1, false);
            case '{':
                return Interval();
            default:
                return (-1, 0, false);
        }
    }

    // What is no interval is a literal brace.
    private (int Min, int Max, bool IsInterval) Interval()
    {
        int start = _at++;
        int? min = Number();
        bool comma = Take(',');
        int? max = comma ? Number() : min;
        if (!Take('}') || (min is null && max is null))
        {
            _at = start;
            return (-1, 0, false);
        }

        if (min > MaxRepeat || max > MaxRepeat || max < min)
        {
            throw Refuse($"a repetition of more than {MaxRepeat} or with its bounds swapped", start);
        }

        return (min ?? 0, max ?? -1, true);
    }

    private int? Number()
    {
        int start = _at;
        while (!AtEnd && char.IsAsciiDigit(_pattern[_at]))
        {
            _at++;
        }

        return _at == start ? null : int.TryParse(_pattern.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue;
    }

    private PatternNode Atom()
    {
        int start = _at;
        int rune = NextRune();
        switch (rune)
        {
            case '(':
                return Group(start);
            case '[':
                return new SetNode(Class(start));
            case '.':
                return new SetNode(RuneSet.Of('\n').Negate());
            case '^':
                return new AnchorNode(Anchor.LineStart);
            case '$':
                return new AnchorNode(Anchor.LineEnd);
            case '*' or '+' or '?':
                throw Refuse("a quantifier with nothing to repeat", start);
            case '\\':
                return AnchorEscape() is { } anchor ? new AnchorNode(anchor) : Escaped(start);
            default:
                return LiteralNode(rune, start);
        }
    }

    private SetNode Escaped(int start)
    {
        var (set, rune) = Escape(start, inClass: false);
        return set is null ? LiteralNode(rune, start) : new SetNode(set);
    }

    private SetNode LiteralNode(int rune, int start) =>
        new(Folded(RuneSet.Of(rune), start), _ignoreCase && rune < 0x80 && char.IsAsciiLetter((char)rune) ? char.ToLowerInvariant((char)rune) : '\0');

    private PatternNode Group(int start)
    {
        if (!Take('?'))
        {
            return Closed(start, Choice());
        }

        if (Take(':'))
        {
            return Closed(start, Choice());
        }

        if (Take('>'))
        {
            return new AtomicNode(Closed(start, Choice()));
        }

        if (Take('=') || Take('!'))
        {
            bool negative = _pattern[_at - 1] == '!';
            return new LookNode(Closed(start, Choice()), Ahead: true, negative);
        }

        if (_at + 1 < _pattern.Length && _pattern[_at] == '<' && _pattern[_at + 1] is '=' or '!')
        {
            bool negative = _pattern[_at + 1] == '!';
            _at += 2;
            return new LookNode(Closed(start, Choice()), Ahead: false, negative);
        }

        foreach (var (text, value) in (ReadOnlySpan<(string, bool)>)[("i:", true), ("-i:", false)])
        {
            if (_pattern.AsSpan(_at).StartsWith(text))
            {
                _at += text.Length;
                bool before = _ignoreCase;
                _ignoreCase = value;
                var body = Closed(start, Choice());
                _ignoreCase = before;
                return body;
            }
        }

        throw Refuse("this kind of group", start);
    }

    private PatternNode Closed(int start, PatternNode body) => Take(')') ? body : throw Refuse("a group that is never closed", start);

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

    // After the opening bracket. The intersection && binds loosest: [a-z&&b-d] is the intersection of two unions.
    private RuneSet Class(int start)
    {
        if (++_depth > MaxDepth)
        {
            throw Refuse($"nesting deeper than {MaxDepth}", start);
        }

        bool negative = Take('^');
        RuneSet? left = null;
        var ranges = new List<(int, int)>();
        var taken = new HashSet<RuneSet>();
        bool empty = true;
        while (true)
        {
            if (AtEnd)
            {
                throw Refuse("a character class that is never closed", start);
            }

            if (Take(']'))
            {
                break;
            }

            if (_pattern.AsSpan(_at).StartsWith("&&"))
            {
                _at += 2;
                left = left is null ? RuneSet.FromRanges(ranges) : left.Intersect(RuneSet.FromRanges(ranges));
                (ranges, empty) = ([], true);
                taken.Clear();
                continue;
            }

            empty = false;
            Member(ranges, taken);
        }

        if (empty)
        {
            throw Refuse("an empty character class", start);
        }

        _depth--;
        var set = Folded(RuneSet.FromRanges(ranges), start);
        set = left is null ? set : left.Intersect(set);
        return Negated(set, negative);
    }

    private void Member(List<(int, int)> ranges, HashSet<RuneSet> taken)
    {
        int start = _at;
        var (set, first) = ClassItem();
        if (set is not null)
        {
            if (taken.Add(set))
            {
                ranges.AddRange(set.Ranges);
            }

            return;
        }

        // A hyphen before the closing bracket or a set stands for itself.
        if (_at + 1 >= _pattern.Length || _pattern[_at] != '-' || _pattern[_at + 1] == ']')
        {
            ranges.Add((first, first));
            return;
        }

        _at++;
        var (after, last) = ClassItem();
        ranges.Add(after is not null || last < first ? throw Refuse("a range without a proper end", start) : (first, last));
    }

    private (RuneSet? Set, int Rune) ClassItem()
    {
        int start = _at;
        int rune = NextRune();
        if (rune == '[' && !AtEnd && _pattern[_at] == ':')
        {
            throw Refuse("a bracketed POSIX class", start);
        }

        return rune == '[' ? (Class(start), -1) : rune == '\\' ? Escape(start, inClass: true) : (null, rune);
    }

    // Where case is ignored: ASCII letters with their other case, and the two characters above ASCII that fold to one.
    private RuneSet Folded(RuneSet set, int start)
    {
        if (!_ignoreCase)
        {
            return set;
        }

        var ranges = set.Ranges.ToList();
        if (ranges.Any(range => range.Last >= 0x80))
        {
            throw Refuse("a character above ASCII where case is ignored", start);
        }

        for (char letter = 'a'; letter <= 'z'; letter++)
        {
            if (set.Contains(letter) || set.Contains(char.ToUpperInvariant(letter)))
            {
                ranges.Add((letter, letter));
                ranges.Add((char.ToUpperInvariant(letter), char.ToUpperInvariant(letter)));
                int above = letter switch { 's' => 0x17F, 'k' => 0x212A, _ => letter };
                ranges.Add((above, above));
            }
        }

        return RuneSet.FromRanges(ranges);
    }

    private int NextRune()
    {
        if (!Rune.TryGetRuneAt(_pattern, _at, out var rune))
        {
            throw Refuse("half a surrogate pair");
        }

        _at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private bool Take(char c)
    {
        bool taken = !AtEnd && _pattern[_at] == c;
        _at += taken ? 1 : 0;
        return taken;
    }

    private InvalidInputException Refuse(string what, int? at = null) => new(
        $"{_where}: the regular expression has {what} at character {(at ?? _at) + 1}, which is not supported; use a tokenizer whose pattern does without it.");
}
