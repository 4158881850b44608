using System.Globalization;

namespace Orchestrator.Coordinator.Tokenizers.Patterns;

// How often: *, +, ?, {n,m} and what follows them.
internal sealed partial class PatternParser
{
    private const int MaxRepeat = 100_000;
    private const int MaxStacked = 4;

    private PatternNode Quantified(PatternNode body)
    {
        for (int stacked = 0; !AtEnd; stacked++)
        {
            int start = _at;
            var (min, max, isInterval) = Quantifier();
            if (min < 0)
            {
                return body;
            }

            // Each wraps the one before, like a group that is not written.
            if (stacked == MaxStacked)
            {
                throw Refuse($"more than {MaxStacked} quantifiers in a row", start);
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
}
