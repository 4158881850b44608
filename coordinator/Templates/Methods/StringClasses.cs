using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Templates.Text;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>str's questions about all characters of a text; none of them holds for the empty text.</summary>
internal static class StringClasses
{
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

    private static bool IsNumber(Rune rune) => Rune.GetNumericValue(rune) != -1 || Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber;

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
