using System.Globalization;
using System.Text;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>Python's case methods: full Unicode mappings, with the final sigma.</summary>
internal static class Casing
{
    public static string Upper(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.ToUpperInvariant();
        }

        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i += Characters.Width(text, i))
        {
            result.Append(CasingTables.Upper.TryGetValue(text[i], out var special) ? special : Simple(text, i, Rune.ToUpperInvariant));
        }

        return result.ToString();
    }

    public static string Lower(string text) => Ascii.IsValid(text) ? text.ToLowerInvariant() : MapLower(text, 0);

    public static string CaseFold(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = CasingTables.Fold.TryGetValue(c, out var folded) ? result.Append(folded) : result.Append(Cherokee(c) ?? c);
        }

        return LowerSimple(result.ToString());
    }

    /// <summary>The first character in title case, the rest in lower case.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        var width = Characters.Width(text, 0);
        return TitleOf(text[..width]) + MapLower(text, width);
    }

    /// <summary>str.title: every letter behind something uncased begins a word.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var inWord = false;
        for (var i = 0; i < text.Length; i += Characters.Width(text, i))
        {
            var width = Characters.Width(text, i);
            result.Append(inWord ? LowerAt(text, i) : TitleOf(text.Substring(i, width)));
            inWord = IsCased(Characters.CodePoint(text, i));
        }

        return result.ToString();
    }

    public static string SwapCase(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i += Characters.Width(text, i))
        {
            var part = text.Substring(i, Characters.Width(text, i));
            var category = CharUnicodeInfo.GetUnicodeCategory(Characters.CodePoint(text, i));
            result.Append(category == UnicodeCategory.UppercaseLetter ? LowerAt(text, i) : category == UnicodeCategory.LowercaseLetter ? Upper(part) : part);
        }

        return result.ToString();
    }

    /// <summary>At least one cased character and none in upper or title case.</summary>
    public static bool IsLower(string text) => HasCase(text, UnicodeCategory.UppercaseLetter);

    public static bool IsUpper(string text) => HasCase(text, UnicodeCategory.LowercaseLetter);

    public static bool IsTitle(string text)
    {
        var (any, previousCased) = (false, false);
        foreach (var c in Characters.CodePoints(text))
        {
            var category = CharUnicodeInfo.GetUnicodeCategory(c);
            var upper = category is UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter;
            if ((upper && previousCased) || (category == UnicodeCategory.LowercaseLetter && !previousCased))
            {
                return false;
            }

            previousCased = upper || category == UnicodeCategory.LowercaseLetter;
            any |= previousCased;
        }

        return any;
    }

    private static bool HasCase(string text, UnicodeCategory refused)
    {
        var any = false;
        foreach (var c in Characters.CodePoints(text))
        {
            var category = CharUnicodeInfo.GetUnicodeCategory(c);
            if (category == refused || category == UnicodeCategory.TitlecaseLetter)
            {
                return false;
            }

            any |= IsCased(c);
        }

        return any;
    }

    private static bool IsCased(int codePoint) =>
        CharUnicodeInfo.GetUnicodeCategory(codePoint) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || codePoint is 0xAA or 0xBA or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9) or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1 or (>= 0x2E0 and <= 0x2E4) or 0x37A
            or (>= 0x1D2C and <= 0x1D6A) or 0x1D78 or (>= 0x1D9B and <= 0x1DBF) or 0x2071 or 0x207F or (>= 0x2090 and <= 0x209C);

    private static string MapLower(string text, int from)
    {
        var result = new StringBuilder(text.Length);
        for (var i = from; i < text.Length; i += Characters.Width(text, i))
        {
            result.Append(LowerAt(text, i));
        }

        return result.ToString();
    }

    private static string LowerAt(string text, int at) => text[at] switch
    {
        '\u0130' => "i\u0307",
        '\u03A3' => IsFinalSigma(text, at) ? "\u03C2" : "\u03C3",
        _ => Simple(text, at, Rune.ToLowerInvariant),
    };

    /// <summary>Whether a capital sigma stands at the end of a word: something cased before it and nothing cased behind.</summary>
    private static bool IsFinalSigma(string text, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsCaseIgnorable(text, before))
        {
            before--;
        }

        var behind = at + 1;
        while (behind < text.Length && IsCaseIgnorable(text, behind))
        {
            behind++;
        }

        return before >= 0 && IsCasedAt(text, before) && (behind >= text.Length || !IsCasedAt(text, behind));
    }

    private static bool IsCasedAt(string text, int at) =>
        IsCased(char.IsLowSurrogate(text[at]) && at > 0 && char.IsHighSurrogate(text[at - 1]) ? char.ConvertToUtf32(text[at - 1], text[at]) : Characters.CodePoint(text, at));

    private static bool IsCaseIgnorable(string text, int at) =>
        text[at] is '\'' or '.' or ':' or '^' or '`' or '\u00AD' or '\u00B7' or '\u2018' or '\u2019' or '\u2024' or '\u2027'
        || CharUnicodeInfo.GetUnicodeCategory(text[at]) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static string TitleOf(string character)
    {
        var c = character[0];
        return c is >= '\u10D0' and <= '\u10FF' ? character : CasingTables.Title.TryGetValue(c, out var title) ? title : Upper(character);
    }

    private static string LowerSimple(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i += Characters.Width(text, i))
        {
            result.Append(text[i] is >= '\u13A0' and <= '\u13F5' ? text[i].ToString() : text[i] == '\u0130' ? "i\u0307" : Simple(text, i, Rune.ToLowerInvariant));
        }

        return result.ToString();
    }

    /// <summary>Cherokee folds to its capitals.</summary>
    private static char? Cherokee(char c) => c switch
    {
        >= '\uAB70' and <= '\uABBF' => (char)(c - 0xAB70 + 0x13A0),
        >= '\u13F8' and <= '\u13FD' => (char)(c - 8),
        >= '\u13A0' and <= '\u13F5' => c,
        _ => null,
    };

    private static string Simple(string text, int at, Func<Rune, Rune> map) =>
        Rune.TryGetRuneAt(text, at, out var rune) ? map(rune).ToString() : text[at].ToString();
}
