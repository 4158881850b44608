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

    /// <summary>A number and what it counts, as "1 row" and "2 rows".</summary>
    /// <param name="count">The number.</param>
    /// <param name="one">What one of them is called.</param>
    /// <param name="many">What several are called; null: the same with an s.</param>
    public static string Count(long count, string one, string? many = null) => string.Create(CultureInfo.InvariantCulture, $"{count} {Plural(count, one, many)}");

    /// <summary>What so many of them are called.</summary>
    public static string Plural(long count, string one, string? many = null) => count == 1 ? one : many ?? one + "s";

    public static string LowerFirst(string text) => text.Length == 0 ? text : char.ToLowerInvariant(text[0]) + text[1..];

    public static string Join(IEnumerable<string> choices)
    {
        var all = choices.ToList();
        return all.Count < 2 ? string.Concat(all) : $"{string.Join(", ", all.Take(all.Count - 1))} or {all[^1]}";
    }
}
