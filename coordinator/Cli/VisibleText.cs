using System.Globalization;
using System.Text;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Foreign text for a person to read: letters of any script as they are, and what a terminal would obey or hide as an escape.</summary>
/// <remarks>Pure. Data may hold anything, also what moves a cursor, colours a screen or turns the direction of writing.</remarks>
internal static class VisibleText
{
    /// <summary>A text on one line, in quotes: a JSON string, so that its ends are seen and a reader can take it back.</summary>
    public static string Quoted(string text) => $"\"{Escaped(text, quotes: true, breaks: true)}\"";

    /// <summary>A text on one line; in single quotes where its ends would not be seen.</summary>
    public static string OnOneLine(string text)
    {
        var shown = Escaped(text, quotes: false, breaks: true);
        return shown.Length == 0 || shown[0] == ' ' || shown[^1] == ' ' ? $"'{shown}'" : shown;
    }

    /// <summary>A text with its line breaks and tabs.</summary>
    public static string Lines(string text) => Escaped(text, quotes: false, breaks: false);

    private static string Escaped(string text, bool quotes, bool breaks)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '\n' or '\t' when !breaks:
                    shown.Append(rune);
                    break;
                case '\n':
                    shown.Append("\\n");
                    break;
                case '\r':
                    shown.Append("\\r");
                    break;
                case '\t':
                    shown.Append("\\t");
                    break;
                case '"' or '\\' when quotes:
                    shown.Append('\\').Append(rune);
                    break;
                default:
                    if (IsSeen(rune)) shown.Append(rune);
                    else Escape(shown, rune);
                    break;
            }
        }

        return shown.ToString();
    }

    // Joiners and the wide space are letters' own business in Persian, Hindi and Japanese; they move nothing and obey nothing.
    private static bool IsSeen(Rune rune) => rune.Value is ' ' or 0x200C or 0x200D or 0x3000 || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    private static void Escape(StringBuilder shown, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        foreach (var unit in units[..rune.EncodeToUtf16(units)]) shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
    }
}
