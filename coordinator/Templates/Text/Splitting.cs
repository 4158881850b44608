namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>str.split, rsplit and splitlines.</summary>
internal static class Splitting
{
    /// <summary>Splits at runs of white space; a negative limit is none.</summary>
    public static List<string> Words(string text, int limit)
    {
        var words = new List<string>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && Characters.IsSpace(text[at]))
            {
                at++;
            }

            if (at == text.Length)
            {
                return words;
            }

            if (words.Count == limit)
            {
                words.Add(text[at..]);
                return words;
            }

            var start = at;
            while (at < text.Length && !Characters.IsSpace(text[at]))
            {
                at++;
            }

            words.Add(text[start..at]);
        }
    }

    /// <summary>Splits at runs of white space, counting from the end.</summary>
    public static List<string> WordsFromEnd(string text, int limit)
    {
        var words = new List<string>();
        var at = text.Length;
        while (true)
        {
            while (at > 0 && Characters.IsSpace(text[at - 1]))
            {
                at--;
            }

            if (at == 0)
            {
                break;
            }

            var end = at;
            if (words.Count == limit)
            {
                words.Add(text[..end]);
                break;
            }

            while (at > 0 && !Characters.IsSpace(text[at - 1]))
            {
                at--;
            }

            words.Add(text[at..end]);
        }

        words.Reverse();
        return words;
    }

    public static List<string> At(string text, string separator, int limit, Budget budget)
    {
        var parts = new List<string>();
        var start = 0;
        while (parts.Count != limit && TextSearch.Find(text, separator, start, budget) is var found && found >= 0)
        {
            parts.Add(text[start..found]);
            budget.AllocateElements(1);
            start = found + separator.Length;
        }

        parts.Add(text[start..]);
        return parts;
    }

    public static List<string> AtFromEnd(string text, string separator, int limit, Budget budget)
    {
        var parts = new List<string>();
        var end = text.Length;
        while (parts.Count != limit && TextSearch.FindLast(text, separator, end, budget) is var found && found >= 0)
        {
            parts.Add(text[(found + separator.Length)..end]);
            budget.AllocateElements(1);
            end = found;
        }

        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    /// <summary>Python's lines: they also end at vertical tab, form feed, U+001C to U+001E, U+0085, U+2028 and U+2029.</summary>
    public static List<string> Lines(string text, bool keepEnds)
    {
        var lines = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && !IsLineEnd(text[end]))
            {
                end++;
            }

            var next = end == text.Length ? end : text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            lines.Add(text[start..(keepEnds ? next : end)]);
            start = next;
        }

        return lines;
    }

    private static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or (>= '\u001C' and <= '\u001E') or '\u0085' or '\u2028' or '\u2029';
}
