using System.Globalization;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Canonical decompositions, compositions and combining classes, read from the table that is part of the assembly.</summary>
/// <remarks>
/// The runtime's own normalization does nothing here: the processes run without ICU (InvariantGlobalization), and its Unicode version would be newer than
/// that of the tokenizers library.
/// </remarks>
internal static class CanonicalData
{
    private static readonly Tables Data = Load();

    /// <summary>First code point that decomposes, composes or has a class, apart from letters of Latin-1.</summary>
    public const int FirstMark = 0x300;

    /// <summary>The class of a character: 0 for a starter.</summary>
    public static int CombiningClass(int rune) => rune < FirstMark ? 0 : Data.Classes.GetValueOrDefault(rune);

    /// <summary>The one or two characters that a character consists of, Hangul apart; second is 0 if there is one.</summary>
    public static bool TryDecompose(int rune, out (int First, int Second) parts) => Data.Decompositions.TryGetValue(rune, out parts);

    /// <summary>The character that two make, Hangul apart.</summary>
    public static bool TryCompose(int first, int second, out int rune) => Data.Compositions.TryGetValue((first, second), out rune);

    /// <summary>Whether some character is composed with this one as its second part, or the character never stands in composed text.</summary>
    public static bool CanChange(int rune) => rune >= 0xC0 && Data.Changing.Contains(rune);

    private static Tables Load()
    {
        var tables = new Tables([], [], [], []);
        using var stream = typeof(CanonicalData).Assembly.GetManifestResourceStream("CanonicalData.txt") ?? throw new InvalidOperationException("The assembly lacks CanonicalData.txt.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            string[] words = line.Split(' ');
            switch (line[0])
            {
                case '#':
                    break;
                case '=':
                    AddClass(tables, int.Parse(words[0][1..], CultureInfo.InvariantCulture), Code(words[1]), Code(words[2]));
                    break;
                default:
                    AddDecomposition(tables, Code(words[0]), Code(words[1]), words.Length > 2 && words[2] != "-" ? Code(words[2]) : 0, words[^1] != "-");
                    break;
            }
        }

        return tables;
    }

    private static int Code(string word) => int.Parse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static void AddClass(Tables tables, int combiningClass, int first, int last)
    {
        for (int rune = first; rune <= last; rune++)
        {
            tables.Classes[rune] = combiningClass;
            tables.Changing.Add(rune);
        }
    }

    private static void AddDecomposition(Tables tables, int rune, int first, int second, bool composes)
    {
        tables.Decompositions[rune] = (first, second);
        if (composes)
        {
            tables.Compositions[(first, second)] = rune;
            tables.Changing.Add(second);
        }
        else
        {
            tables.Changing.Add(rune);
        }
    }

    private sealed record Tables(
        Dictionary<int, int> Classes, Dictionary<int, (int First, int Second)> Decompositions, Dictionary<(int First, int Second), int> Compositions, HashSet<int> Changing);
}
