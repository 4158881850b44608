namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>str.strip and its sides.</summary>
internal static class Stripping
{
    /// <param name="text">The text.</param>
    /// <param name="characters">The code points to take away; null for white space.</param>
    /// <param name="left">Whether the beginning is stripped.</param>
    /// <param name="right">Whether the end is stripped.</param>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        var set = characters is null ? null : Characters.CodePoints(characters).ToHashSet();
        var (start, end) = (0, text.Length);
        while (left && start < end && Strips(text, start))
        {
            start += Characters.Width(text, start);
        }

        while (right && end > start)
        {
            var last = end > 1 && char.IsLowSurrogate(text[end - 1]) && char.IsHighSurrogate(text[end - 2]) ? end - 2 : end - 1;
            if (last < start || !Strips(text, last))
            {
                break;
            }

            end = last;
        }

        return text[start..end];

        bool Strips(string value, int at) => set is null ? Characters.IsSpace(value[at]) : set.Contains(Characters.CodePoint(value, at));
    }
}
