using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Templates.Text;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>str's questions about all characters of a text; none of them holds for the empty text.</summary>
internal static class StringClasses
{
    /// <summary>The Han characters that are numbers (kPrimaryNumeric and its kin in Unicode 14), which the runtime's tables leave out.</summary>
    private const string HanNumerals =
        "\u3405\u3483\u382A\u3B4D\u4E00\u4E03\u4E07\u4E09\u4E5D\u4E8C\u4E94\u4E96\u4EBF\u4EC0\u4EDF\u4EE8\u4F0D\u4F70\u5104\u5146\u5169\u516B\u516D\u5341\u5343\u5344\u5345"
        + "\u534C\u53C1\u53C2\u53C3\u53C4\u56DB\u58F1\u58F9\u5E7A\u5EFE\u5EFF\u5F0C\u5F0D\u5F0E\u5F10\u62FE\u634C\u67D2\u6F06\u7396\u767E\u8086\u842C\u8CAE\u8CB3\u8D30\u9621\u9646"
        + "\u964C\u9678\u96F6\uF96B\uF973\uF978\uF9B2\uF9D1\uF9D3\uF9FD\U00020001\U00020064\U000200E2\U00020121\U0002092A\U00020983\U0002098C\U0002099C\U00020AEA\U00020AFD"
        + "\U00020B19\U00022390\U00022998\U00023B1B\U0002626D\U0002F890";

    public static bool IsAlpha(string text) => All(text, rune => Characters.IsAlphabetic(rune));

    public static bool IsAlnum(string text) => All(text, rune => Characters.IsAlphabetic(rune) || IsNumber(rune));

    public static bool IsDecimal(string text) => All(text, rune => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber);

    public static bool IsDigit(string text) => All(text, rune => CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0);

    public static bool IsNumeric(string text) => All(text, IsNumber);

    public static bool IsIdentifier(string text)
    {
        var first = true;
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            var starts = rune.Value == '_' || Characters.IsAlphabetic(rune) || category == UnicodeCategory.LetterNumber;
            var goesOn = category is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation;
            if (!starts && (first || !goesOn))
            {
                return false;
            }

            first = false;
        }

        return !first;
    }

    private static bool IsNumber(Rune rune) => Rune.GetNumericValue(rune) != -1 || HanNumerals.Contains(rune.ToString(), StringComparison.Ordinal) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber;

    private static bool All(string text, Func<Rune, bool> holds)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (!holds(rune))
            {
                return false;
            }
        }

        return text.Length > 0;
    }
}
