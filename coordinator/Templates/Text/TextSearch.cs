namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>Finds a text in a text in linear time, paid from the budget.</summary>
/// <remarks>The runtime's own search is quadratic on texts made for it; needles above a small length go through Knuth-Morris-Pratt.</remarks>
internal static class TextSearch
{
    private const int ShortNeedle = 24;

    public static int Find(string text, string needle, int from, Budget budget)
    {
        budget.Step(1 + ((text.Length - from) >> 6));
        return needle.Length <= ShortNeedle ? text.IndexOf(needle, from, StringComparison.Ordinal) : FindLong(text, needle, from, budget);
    }

    public static int FindLast(string text, string needle, int end, Budget budget)
    {
        budget.Step(1 + (end >> 6));
        if (needle.Length <= ShortNeedle)
        {
            return text.AsSpan(0, end).LastIndexOf(needle);
        }

        var last = -1;
        for (var at = FindLong(text[..end], needle, 0, budget); at >= 0; at = FindLong(text[..end], needle, at + 1, budget))
        {
            last = at;
            budget.Step(1 + (end >> 4));
        }

        return last;
    }

    private static int FindLong(string text, string needle, int from, Budget budget)
    {
        if (text.Length - from < needle.Length)
        {
            return -1;
        }

        budget.Allocate(needle.Length * 2);
        var borders = new int[needle.Length + 1];
        borders[0] = -1;
        for (int i = 0, border = -1; i < needle.Length; borders[++i] = ++border)
        {
            while (border >= 0 && needle[i] != needle[border])
            {
                border = borders[border];
            }
        }

        for (int i = from, matched = 0; i < text.Length; i++)
        {
            while (matched >= 0 && (matched == needle.Length || text[i] != needle[matched]))
            {
                matched = borders[matched];
            }

            if (++matched == needle.Length)
            {
                return i + 1 - needle.Length;
            }
        }

        return -1;
    }
}
