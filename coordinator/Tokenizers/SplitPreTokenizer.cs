using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Splits by a pattern; what becomes of the matches is the behavior.</summary>
/// <param name="program">The pattern.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">What matches and what does not change places.</param>
internal sealed class SplitPreTokenizer(PatternProgram program, SplitBehavior behavior, bool invert) : PreTokenizer
{
    public override void Split(AlignedText text, PatternMatcher matcher, List<AlignedText> pieces)
    {
        var matches = new List<(int Start, int End)>();
        matcher.FindAll(program, text.Bytes, matches);
        if (behavior == SplitBehavior.Isolated)
        {
            Isolate(text, matches, pieces);
            return;
        }

        var parts = Parts(text.Length, matches);
        switch (behavior)
        {
            case SplitBehavior.Removed:
                parts.RemoveAll(part => part.IsMatch);
                break;
            case SplitBehavior.Contiguous:
                parts = Merge(parts, (isMatch, before) => isMatch == before);
                break;
            case SplitBehavior.MergedWithPrevious:
                parts = Merge(parts, (isMatch, before) => isMatch && !before);
                break;
            default:
                parts.Reverse();
                parts = Merge(parts, (isMatch, before) => isMatch && !before);
                parts.Reverse();
                break;
        }

        foreach (var (start, end, _) in parts)
        {
            Add(text, start, end, pieces);
        }
    }

    private static void Isolate(AlignedText text, List<(int Start, int End)> matches, List<AlignedText> pieces)
    {
        int done = 0;
        foreach (var (start, end) in CollectionsMarshal.AsSpan(matches))
        {
            Add(text, done, start, pieces);
            Add(text, start, end, pieces);
            done = end;
        }

        Add(text, done, text.Length, pieces);
    }

    private static void Add(AlignedText text, int start, int end, List<AlignedText> pieces)
    {
        if (start < end)
        {
            pieces.Add(text.Slice(start, end));
        }
    }

    // All of the text, in order; empty matches too, since they take part in the merging.
    private List<(int Start, int End, bool IsMatch)> Parts(int length, List<(int Start, int End)> matches)
    {
        var parts = new List<(int, int, bool)>((2 * matches.Count) + 1);
        if (length == 0)
        {
            return parts;
        }

        int done = 0;
        foreach (var (start, end) in matches)
        {
            if (done != start)
            {
                parts.Add((done, start, invert));
            }

            parts.Add((start, end, !invert));
            done = end;
        }

        if (done != length)
        {
            parts.Add((done, length, invert));
        }

        return parts;
    }

    private static List<(int Start, int End, bool IsMatch)> Merge(List<(int Start, int End, bool IsMatch)> parts, Func<bool, bool, bool> joins)
    {
        var merged = new List<(int Start, int End, bool IsMatch)>(parts.Count);
        bool before = false;
        foreach (var (start, end, isMatch) in parts)
        {
            if (merged.Count > 0 && joins(isMatch, before))
            {
                merged[^1] = (Math.Min(merged[^1].Start, start), Math.Max(merged[^1].End, end), false);
            }
            else
            {
                merged.Add((start, end, false));
            }

            before = isMatch;
        }

        return merged;
    }
}

/// <summary>What becomes of the matches of a Split.</summary>
internal enum SplitBehavior
{
    /// <summary>A match is a piece.</summary>
    Isolated,

    /// <summary>Matches disappear.</summary>
    Removed,

    /// <summary>Neighbouring matches are one piece.</summary>
    Contiguous,

    /// <summary>A match ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the piece after it.</summary>
    MergedWithNext,
}
