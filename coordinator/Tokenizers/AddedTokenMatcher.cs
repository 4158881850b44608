using System.Buffers;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Cuts added tokens out of a text: leftmost, then longest.</summary>
/// <remarks>
/// Immutable; used by any number of threads. A token that a flag discards still hides what it overlaps. One that is found inside the white space that the
/// token before swallowed is reported all the same, over the same bytes: so does the library.
/// </remarks>
internal sealed class AddedTokenMatcher
{
    private readonly List<AddedToken?> _ends = [null];
    private readonly Dictionary<int, int> _next = [];
    private readonly SearchValues<byte> _firstBytes;

    /// <param name="tokens">Tokens with the bytes to look for; of two with the same bytes the first counts.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, byte[] Content)> tokens)
    {
        var firstBytes = new SortedSet<byte>();
        foreach (var (token, content) in tokens.Where(token => token.Content.Length > 0))
        {
            firstBytes.Add(content[0]);
            int node = 0;
            foreach (byte b in content)
            {
                node = Grow(node, b);
            }

            _ends[node] ??= token;
        }

        _firstBytes = SearchValues.Create([.. firstBytes]);
    }

    /// <summary>Appends the stretches of <paramref name="text"/> from the left: tokens, and between them what is no token.</summary>
    public void Cut(AlignedText text, List<Stretch> stretches)
    {
        var bytes = text.Bytes;
        int done = 0;
        for (int at = 0; Find(bytes, at) is ( >= 0 and var found, var length, { } token); at = found + length)
        {
            if (token.SingleWord && (EndsWithWord(bytes[..found]) || StartsWithWord(bytes[(found + length)..])))
            {
                continue;
            }

            int start = token.LStrip ? SkipBack(bytes, Math.Min(done, found), found) : found;
            int end = token.RStrip ? Skip(bytes, found + length) : found + length;
            if (done < start)
            {
                stretches.Add(new Stretch(null, text.Slice(done, start)));
            }

            stretches.Add(new Stretch(token, text.Slice(start, end)));
            done = end;
        }

        if (done != bytes.Length)
        {
            stretches.Add(new Stretch(null, text.Slice(done, bytes.Length)));
        }
    }

    private int Grow(int node, byte b)
    {
        int key = (node << 8) | b;
        if (!_next.TryGetValue(key, out int child))
        {
            child = _ends.Count;
            _ends.Add(null);
            _next.Add(key, child);
        }

        return child;
    }

    private (int Start, int Length, AddedToken? Token) Find(ReadOnlySpan<byte> bytes, int from)
    {
        for (int at = from; at < bytes.Length; at++)
        {
            int skip = bytes[at..].IndexOfAny(_firstBytes);
            if (skip < 0)
            {
                break;
            }

            at += skip;
            if (Longest(bytes[at..]) is { Token: not null } match)
            {
                return (at, match.Length, match.Token);
            }
        }

        return (-1, 0, null);
    }

    private (AddedToken? Token, int Length) Longest(ReadOnlySpan<byte> bytes)
    {
        AddedToken? token = null;
        int length = 0;
        int node = 0;
        for (int i = 0; i < bytes.Length && _next.TryGetValue((node << 8) | bytes[i], out node); i++)
        {
            if (_ends[node] is { } end)
            {
                (token, length) = (end, i + 1);
            }
        }

        return (token, length);
    }

    private static bool StartsWithWord(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && PatternMatcher.Take(UnicodeSets.WordWithJoiners, bytes, 0) > 0;

    private static bool EndsWithWord(ReadOnlySpan<byte> bytes) =>
        bytes.Length > 0 && PatternMatcher.Take(UnicodeSets.WordWithJoiners, bytes, PatternMatcher.Before(bytes, bytes.Length)) > 0;

    private static int Skip(ReadOnlySpan<byte> bytes, int at)
    {
        while (at < bytes.Length && PatternMatcher.Take(UnicodeSets.Space, bytes, at) is > 0 and var length)
        {
            at += length;
        }

        return at;
    }

    private static int SkipBack(ReadOnlySpan<byte> bytes, int lowest, int at)
    {
        while (at > lowest && PatternMatcher.Before(bytes, at) is var before && PatternMatcher.Take(UnicodeSets.Space, bytes, before) > 0)
        {
            at = before;
        }

        return at;
    }
}

/// <summary>A part of a text: an added token, or text between them.</summary>
internal readonly record struct Stretch(AddedToken? Token, AlignedText Text);
