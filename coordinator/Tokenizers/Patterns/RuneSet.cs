namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>An immutable set of code points: sorted ranges, with a table that answers for the first byte of a character's UTF-8.</summary>
internal sealed class RuneSet
{
    private const int LastRune = 0x10FFFF;

    private readonly int[] _starts;
    private readonly int[] _ends;
    private readonly byte[] _firstByte = new byte[256];

    private RuneSet(int[] starts, int[] ends)
    {
        (_starts, _ends) = (starts, ends);
        for (int i = 0; i < starts.Length && starts[i] < 0x80; i++)
        {
            _firstByte.AsSpan(starts[i], Math.Min(ends[i], 0x7F) - starts[i] + 1).Fill(Yes);
        }

        // A set above ASCII is all, nothing or in need of a look at the whole character.
        byte above = ends.Length == 0 || ends[^1] < 0x80 ? No : starts[^1] <= 0x80 && ends[^1] == LastRune ? Yes : Undecided;
        _firstByte.AsSpan(0x80).Fill(above);
    }

    /// <summary>The first byte settles it: not in the set.</summary>
    public const byte No = 0;

    /// <summary>The first byte settles it: in the set.</summary>
    public const byte Yes = 1;

    /// <summary>The whole character must be looked at.</summary>
    public const byte Undecided = 2;

    /// <summary>Answers by the first byte of the character: <see cref="No"/>, <see cref="Yes"/> or <see cref="Undecided"/>.</summary>
    public ReadOnlySpan<byte> FirstByte => _firstByte;

    /// <summary>The ranges, both ends included.</summary>
    public IEnumerable<(int First, int Last)> Ranges => _starts.Zip(_ends);

    public static RuneSet Of(int rune) => new([rune], [rune]);

    public static RuneSet Range(int first, int last) => new([first], [last]);

    /// <summary>The union of ranges in any order.</summary>
    public static RuneSet FromRanges(List<(int First, int Last)> ranges)
    {
        ranges.Sort();
        var starts = new List<int>(ranges.Count);
        var ends = new List<int>(ranges.Count);
        foreach (var (first, last) in ranges)
        {
            if (ends.Count > 0 && first <= ends[^1] + 1)
            {
                ends[^1] = Math.Max(ends[^1], last);
            }
            else
            {
                starts.Add(first);
                ends.Add(last);
            }
        }

        return new RuneSet([.. starts], [.. ends]);
    }

    public RuneSet Union(RuneSet other) => FromRanges([.. Ranges, .. other.Ranges]);

    public RuneSet Negate()
    {
        var ranges = new List<(int, int)>(_starts.Length + 1);
        int next = 0;
        foreach (var (first, last) in Ranges)
        {
            if (first > next)
            {
                ranges.Add((next, first - 1));
            }

            next = last + 1;
        }

        if (next <= LastRune)
        {
            ranges.Add((next, LastRune));
        }

        return FromRanges(ranges);
    }

    public RuneSet Intersect(RuneSet other) => Negate().Union(other.Negate()).Negate();

    public bool Contains(int rune)
    {
        int at = Array.BinarySearch(_starts, rune);
        at = at >= 0 ? at : ~at - 1;
        return at >= 0 && rune <= _ends[at];
    }
}
