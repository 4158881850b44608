namespace Orchestrator.Coordinator.Tokenizers.Patterns;

// Character classes in brackets, and case folding of sets.
internal sealed partial class PatternParser
{
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
                if (_ignoreCase)
                {
                    throw Refuse("an intersection where case is ignored");
                }

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
}
