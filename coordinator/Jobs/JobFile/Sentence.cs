using System.Globalization;
using System.Text;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>Pieces of sentences made from a user's words.</summary>
internal static class Sentence
{
    private const int MaxQuoted = 60;

    /// <summary>The text in quotes on one line, shortened.</summary>
    public static string Quote(string text) => $"'{Clean(text, MaxQuoted)}'";

    /// <summary>The text on one line, shortened, with control characters spelled out.</summary>
    public static string Clean(string text, int maxLength)
    {
        var shown = new StringBuilder();
        foreach (var rune in (text.Length > maxLength ? text[..maxLength] : text).EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029)
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            }
            else
            {
                shown.Append(rune.ToString());
            }
        }

        return shown.Append(text.Length > maxLength ? "…" : "").ToString();
    }

    public static string LowerFirst(string text) => text.Length == 0 ? text : char.ToLowerInvariant(text[0]) + text[1..];

    public static string Join(IEnumerable<string> choices)
    {
        var all = choices.ToList();
        return all.Count < 2 ? string.Concat(all) : $"{string.Join(", ", all.Take(all.Count - 1))} or {all[^1]}";
    }
}
