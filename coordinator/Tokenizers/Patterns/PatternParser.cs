using System.Text;

namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>Parses the regular expressions of tokenizer.json with the syntax and meaning that Oniguruma gives them.</summary>
/// <remarks>
/// What is not known is refused with its place in the pattern, never guessed: back references, scripts (<c>\p{Han}</c>), conditionals, multi-character case
/// folding. Captures only group. Depth and length are bounded.
/// </remarks>
internal sealed partial class PatternParser
{
    private const int MaxLength = 10_000;
    private const int MaxDepth = 60;

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
        if (!Take('?') || Take(':'))
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
