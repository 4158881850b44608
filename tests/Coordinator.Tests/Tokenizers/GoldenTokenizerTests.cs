using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>Every golden text of every byte-level folder: ids, special ids, offsets, decoded text and streams are those of the library.</summary>
public sealed class GoldenTokenizerTests
{
    /// <summary>Folder and number of its cases.</summary>
    public static TheoryData<string, int> Folders => new()
    {
        { "gpt2", 277 },
        { "gpt2_merge_pairs", 56 },
        { "llama3", 277 },
        { "qwen2", 277 },
        { "o200k", 277 },
        { "deepseek", 277 },
        { "added_token_zoo", 357 },
    };

    [Theory]
    [MemberData(nameof(Folders))]
    public void Encode_EveryGoldenText_GivesTheLibrarysIdsAndOffsets(string folder, int cases)
    {
        var tokenizer = GoldenTokenizers.Open(folder);
        var rows = GoldenTokenizers.Rows(folder, "cases.jsonl.gz").ToList();

        Assert.Equal(cases, rows.Count);
        foreach (var row in rows)
        {
            string text = (string)row["text"]!;
            var plain = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.True(GoldenTokenizers.Ints(row, "ids").SequenceEqual(plain.Ids), $"{folder}, '{text}': {string.Join(' ', plain.Ids)}");
            Assert.True(GoldenTokenizers.Ints(row, "ids_special").SequenceEqual(tokenizer.Encode(text, addSpecialTokens: true).Ids), $"{folder}, '{text}' with special tokens");
            if (row["offsets"] is JsonArray offsets)
            {
                var expected = offsets.Select(pair => ((int)pair![0]!, (int)pair[1]!));
                Assert.True(expected.SequenceEqual(plain.Offsets), $"{folder}, '{text}': {string.Join(' ', plain.Offsets)}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Decode_EveryGoldenText_GivesTheLibrarysText(string folder, int cases)
    {
        var tokenizer = GoldenTokenizers.Open(folder);
        var rows = GoldenTokenizers.Rows(folder, "cases.jsonl.gz").ToList();

        Assert.Equal(cases, rows.Count);
        Assert.All(rows, row =>
        {
            Assert.Equal((string)row["decoded"]!, tokenizer.Decode(GoldenTokenizers.Ints(row, "ids"), skipSpecialTokens: false));
            Assert.Equal((string)row["decoded_skip"]!, tokenizer.Decode(GoldenTokenizers.Ints(row, "ids"), skipSpecialTokens: true));
            Assert.Equal((string)row["decoded_special"]!, tokenizer.Decode(GoldenTokenizers.Ints(row, "ids_special"), skipSpecialTokens: false));
        });
    }

    /// <summary>What is shown never differs from the full text and never ends in half a character, and nothing that the library shows is later than its next step.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public void Stream_EveryGoldenSequence_ShowsTheFullTextAndNeverHalfACharacter(string folder, int cases)
    {
        Assert.NotEqual(0, cases);
        var tokenizer = GoldenTokenizers.Open(folder);
        var rows = GoldenTokenizers.Rows(folder, "stream.jsonl.gz").ToList();

        Assert.True(rows.Count >= 20, $"{folder} has {rows.Count} streams");
        foreach (var row in rows)
        {
            string full = (string)row["full"]!;
            bool skip = (bool)row["skip_special_tokens"]!;
            var decoder = tokenizer.NewDecoder(skip);
            string shown = "";
            string shownByLibrary = "";
            var steps = row["steps"]!.AsArray();
            int[] ids = GoldenTokenizers.Ints(row, "ids");
            for (int i = 0; i < ids.Length; i++)
            {
                shown += decoder.Add(ids[i]);
                Assert.True(full.StartsWith(shown, StringComparison.Ordinal), $"{folder}, '{full}': shows '{shown}'");
                Assert.False(shown.Length > 0 && char.IsHighSurrogate(shown[^1]), $"{folder}, '{full}': half a character");
                if (i < steps.Count)
                {
                    shownByLibrary += (string?)steps[i];
                    Assert.True(shown.Length >= shownByLibrary.Length, $"{folder}, '{full}': '{shown}' lags behind '{shownByLibrary}'");
                }
            }

            Assert.Equal(full, shown + decoder.Flush());
            Assert.Equal(full, tokenizer.Decode(ids, skip));
        }
    }

    /// <summary>81 entries that no merge builds are found because the whole piece is looked up first, and only then.</summary>
    [Fact]
    public void Encode_IgnoreMerges_FindsWholePiecesFirst()
    {
        var tokenizer = GoldenTokenizers.Open("llama3");
        var rows = GoldenTokenizers.Rows("llama3", "ignore_merges.jsonl.gz").ToList();

        Assert.Equal(3 * 81, rows.Count);
        Assert.All(rows, row => Assert.Equal(GoldenTokenizers.Ints(row, "ids"), tokenizer.Encode((string)row["text"]!, addSpecialTokens: false).Ids));
    }
}
