using System.Globalization;

namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>The sets that patterns name: general categories, white space, words.</summary>
/// <remarks>
/// Built once from the runtime's own tables, which follow the same Unicode version as the engine of the tokenizers library; a test compares every code point.
/// </remarks>
internal static class UnicodeSets
{
    // Two letters a category, in the order of UnicodeCategory.
    private const string Names = "LuLlLtLmLoMnMcMeNdNlNoZsZlZpCcCfCsCoPcPdPsPePiPfPoSmScSkSoCn";

    // Alphabetic although they are symbols: circled and squared letters. Every other alphabetic character is a letter, a letter number or a mark.
    private static readonly (int, int)[] AlphabeticSymbols = [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)];

    private static readonly Lazy<RuneSet[]> Categories = new(BuildCategories);
    private static readonly Lazy<Dictionary<string, RuneSet>> Properties = new(BuildProperties);

    /// <summary>White_Space, which is what <c>\s</c> means.</summary>
    public static RuneSet Space { get; } = RuneSet.FromRanges(
        [(0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)]);

    /// <summary>Letters, marks, decimal digits, connectors: <c>\w</c> of Oniguruma.</summary>
    public static RuneSet Word => Properties.Value["word"];

    /// <summary>Decimal digits: <c>\d</c>.</summary>
    public static RuneSet Digit => Properties.Value["nd"];

    /// <summary>What <c>\w</c> means to the search for added tokens, which uses another engine: words and the two joiners.</summary>
    public static RuneSet WordWithJoiners => Properties.Value["word with joiners"];

    /// <summary>The set of a property's name; case, spaces, hyphens and underscores do not matter.</summary>
    public static RuneSet? Property(string name)
    {
        string key = string.Concat(name.Where(c => c is not (' ' or '-' or '_'))).ToLowerInvariant();
        return Properties.Value.GetValueOrDefault(key);
    }

    private static RuneSet[] BuildCategories()
    {
        var ranges = Enumerable.Range(0, 30).Select(_ => new List<(int First, int Last)>()).ToArray();
        int start = 0;
        var current = CharUnicodeInfo.GetUnicodeCategory(0);
        for (int rune = 1; rune <= 0x110000; rune++)
        {
            UnicodeCategory? category = rune < 0x110000 ? CharUnicodeInfo.GetUnicodeCategory(rune) : null;
            if (category != current)
            {
                ranges[(int)current].Add((start, rune - 1));
                (start, current) = (rune, category ?? current);
            }
        }

        return [.. ranges.Select(RuneSet.FromRanges)];
    }

    private static Dictionary<string, RuneSet> BuildProperties()
    {
        var sets = new Dictionary<string, RuneSet>(StringComparer.Ordinal);
        for (int i = 0; i < 30; i++)
        {
            sets[Names[(2 * i)..(2 * i + 2)].ToLowerInvariant()] = Categories.Value[i];
        }

        foreach (char major in "LMNPSZC")
        {
            sets[char.ToLowerInvariant(major).ToString()] = OfMajor(major);
        }

        foreach (var (alias, name) in (ReadOnlySpan<(string, string)>)[("letter", "l"), ("mark", "m"), ("number", "n"), ("punctuation", "p"), ("symbol", "s"),
            ("separator", "z"), ("other", "c"), ("uppercaseletter", "lu"), ("lowercaseletter", "ll"), ("titlecaseletter", "lt"), ("modifierletter", "lm"),
            ("otherletter", "lo"), ("decimalnumber", "nd"), ("digit", "nd")])
        {
            sets[alias] = sets[name];
        }

        sets["space"] = sets["whitespace"] = Space;
        sets["any"] = RuneSet.Range(0, 0x10FFFF);
        sets["ascii"] = RuneSet.Range(0, 0x7F);
        sets["word"] = RuneSet.FromRanges([.. sets["l"].Ranges, .. sets["m"].Ranges, .. sets["nl"].Ranges, .. sets["nd"].Ranges, .. sets["pc"].Ranges, .. AlphabeticSymbols]);
        sets["word with joiners"] = sets["word"].Union(RuneSet.Range(0x200C, 0x200D));
        return sets;
    }

    private static RuneSet OfMajor(char major) => RuneSet.FromRanges(
        [.. Enumerable.Range(0, 30).Where(i => Names[2 * i] == major).SelectMany(i => Categories.Value[i].Ranges)]);
}
