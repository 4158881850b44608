using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>What the golden files do not say: refusals, units of offsets, threads, long words, streams.</summary>
public sealed class TokenizerTests
{
    private static readonly string[] Plain = ["a", "b", "c"];

    [Theory]
    [InlineData("normalizer", """{"type": "Precompiled"}""", "normalizer", "Precompiled")]
    [InlineData("normalizer", """{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace"}]}""", "normalizer.normalizers[1]", "Replace")]
    [InlineData("pre_tokenizer", """{"type": "Metaspace"}""", "pre_tokenizer", "Metaspace")]
    [InlineData("pre_tokenizer", """{"type": "Sequence", "pretokenizers": [{"type": "Whitespace"}, {"type": "ByteLevel"}]}""", "pre_tokenizer.pretokenizers[0]", "Whitespace")]
    [InlineData("pre_tokenizer", """{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}""", "pre_tokenizer.pretokenizers[1]", "Digits after ByteLevel")]
    [InlineData("pre_tokenizer", "null", "pre_tokenizer", "does not end with ByteLevel")]
    [InlineData("post_processor", """{"type": "BertProcessing"}""", "post_processor", "BertProcessing")]
    [InlineData("post_processor", """{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A"}}], "special_tokens": {}}""", "post_processor.single[0]", "<s>")]
    [InlineData("decoder", """{"type": "WordPiece"}""", "decoder", "WordPiece")]
    [InlineData("decoder", "null", "decoder", "no ByteLevel decoder")]
    [InlineData("model", """{"type": "Unigram"}""", "model", "Unigram")]
    public void Parse_UnknownComponent_IsRefusedByNameAndPlace(string key, string json, string place, string name)
    {
        var refusal = Assert.Throws<InvalidInputException>(() => new TokenizerJson().With(key, json).Build());
        Assert.StartsWith("tokenizer.json", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(place, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dropout", "0.1", "model.dropout")]
    [InlineData("continuing_subword_prefix", "\"##\"", "##")]
    [InlineData("end_of_word_suffix", "\"</w>\"", "</w>")]
    [InlineData("unk_token", "\"<unk>\"", "<unk>")]
    [InlineData("merges", "[\"a b c\"]", "model.merges[0]")]
    [InlineData("merges", "[\"a zz\"]", "model.merges[0]")]
    [InlineData("merges", "[[\"a\"]]", "model.merges[0]")]
    [InlineData("vocab", "{\"a\": 1, \"b\": 1}", "model.vocab")]
    [InlineData("vocab", "{\"a\": -1}", "model.vocab")]
    public void Parse_ModelThatIsNotUnderstood_IsRefusedWithItsPlace(string key, string json, string expected)
    {
        var refusal = Assert.Throws<InvalidInputException>(() => new TokenizerJson().WithModel(key, json).Build());
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OptionsThatChangeNothing_AreAccepted()
    {
        var json = new TokenizerJson(("a", "b")).WithModel("dropout", "0").WithModel("byte_fallback", "true").WithModel("continuing_subword_prefix", "\"\"")
            .With("normalizer", """{"type": "Sequence", "normalizers": []}""").With("decoder", """{"type": "Sequence", "decoders": [{"type": "ByteLevel"}, {"type": "Fuse"}]}""")
            .With("truncation", """{"max_length": 1}""");

        Assert.Equal([256, 'c'], json.Build().Encode("abc", addSpecialTokens: true).Ids);
    }

    [Fact]
    public void Open_FolderWithoutTokenizer_SaysWhatToDo()
    {
        using var folder = new TemporaryFolder();
        var refusal = Assert.Throws<InvalidInputException>(() => Tokenizer.Open(folder.Path));
        Assert.Contains("tokenizer.json", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Offsets_BesideCharactersOfManyLengths_CountCodePointsOrUnits()
    {
        var encoding = new TokenizerJson().Add("<x>", special: true).Build().Encode("é😀<x>\ud800a", addSpecialTokens: false);

        Assert.Equal([(0, 1), (0, 1), (1, 2), (1, 2), (1, 2), (1, 2), (2, 5), (5, 6), (5, 6), (5, 6), (6, 7)], encoding.Offsets);
        Assert.Equal([(0, 1), (0, 1), (1, 3), (1, 3), (1, 3), (1, 3), (3, 6), (6, 7), (6, 7), (6, 7), (7, 8)], encoding.Utf16Offsets);
    }

    [Fact]
    public void Offsets_TrimmedByThePostProcessor_LeaveOutWhiteSpace()
    {
        var json = new TokenizerJson(("Ġ", "a")).With("post_processor", """{"type": "ByteLevel", "trim_offsets": true, "add_prefix_space": false}""").Add("b", lstrip: true);

        Assert.Equal([(1, 2), (3, 4), (4, 6)], json.Build().Encode(" a a b", addSpecialTokens: false).Offsets);
    }

    [Fact]
    public void Encode_AddPrefixSpace_PutsASpaceBeforeEveryStretchThatHasNone()
    {
        var json = new TokenizerJson(("Ġ", "a")).With("pre_tokenizer", """{"type": "ByteLevel", "add_prefix_space": true}""").Add("<x>");
        var encoding = json.Build().Encode("a<x>a<x> a", addSpecialTokens: false);

        Assert.Equal([256, 257, 256, 257, 256], encoding.Ids);
        Assert.Equal([(0, 1), (1, 4), (4, 5), (5, 8), (8, 10)], encoding.Offsets);
    }

    [Fact]
    public void Encode_ByteOutsideTheVocabulary_IsUnknownOrDisappears()
    {
        var json = new TokenizerJson();
        json.Model["vocab"]!.AsObject().Remove("b");
        Assert.Equal(['a', 'c'], json.Build().Encode("abbc", addSpecialTokens: false).Ids);

        json.WithModel("unk_token", "\"?\"");
        Assert.Equal(['a', '?', '?', 'c'], json.Build().Encode("abbc", addSpecialTokens: false).Ids);

        json.WithModel("fuse_unk", "true");
        var fused = json.Build().Encode("abbc", addSpecialTokens: false);
        Assert.Equal(['a', '?', 'c'], fused.Ids);
        Assert.Equal([(0, 1), (1, 3), (3, 4)], fused.Offsets);
    }

    /// <summary>A short piece is scanned and a long one goes through a queue, of one kind or the other by the order of the merges: all must merge alike.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Encode_WordsOfEveryLength_MergeAlikeByScanAndByQueue(bool reversed)
    {
        (string, string)[] merges = [("a", "b"), ("b", "a"), ("ab", "a"), ("a", "a"), ("ab", "ab"), ("aba", "b"), ("c", "ab"), ("aa", "b"), ("abab", "abab")];
        merges = reversed ? [.. merges.Reverse()] : merges;
        var tokenizer = new TokenizerJson(merges).Build();
        var random = new Random(20_261);
        for (int round = 0; round < 300; round++)
        {
            string word = string.Concat(Enumerable.Range(0, random.Next(1, 200)).Select(_ => Plain[random.Next(3)]));
            var ids = tokenizer.Encode(word, addSpecialTokens: false).Ids;
            Assert.Equal(Naive(word, merges), ids.Select(id => tokenizer.TokenText(id)!));
        }
    }

    [Fact]
    public void Encode_FromManyThreads_GivesTheSameIds()
    {
        var tokenizer = GoldenTokenizers.Open("qwen2");
        var cases = GoldenTokenizers.Rows("qwen2", "cases.jsonl.gz").Select(row => ((string)row["text"]!, GoldenTokenizers.Ints(row, "ids"))).ToList();
        var wrong = cases.AsParallel().WithDegreeOfParallelism(4).SelectMany(item => Enumerable.Repeat(item, 20)).Where(item => !tokenizer.Encode(item.Item1, addSpecialTokens: false).Ids.SequenceEqual(item.Item2));

        Assert.Empty(wrong);
    }

    /// <summary>A pattern that backtracks without end is refused; published ones never come near the bound, however long a run is.</summary>
    [Fact]
    public void Encode_PatternWithoutEnd_IsRefusedAndLongRunsAreNot()
    {
        const string Split = """{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(?:a|a)*b"}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "use_regex": false}]}""";
        var hostile = new TokenizerJson().With("pre_tokenizer", Split).Build();
        var refusal = Assert.Throws<InvalidInputException>(() => hostile.Encode(new string('a', 60), addSpecialTokens: false));
        Assert.Contains("too many steps", refusal.Message, StringComparison.Ordinal);

        foreach (string folder in (ReadOnlySpan<string>)["gpt2", "llama3", "qwen2", "o200k", "deepseek"])
        {
            var tokenizer = GoldenTokenizers.Open(folder);
            foreach (string unit in (ReadOnlySpan<string>)["a", "A", " ", "\n", " \n", "1", "!", "\u0301", "中", "😀", "a1", "\t "])
            {
                string text = string.Concat(Enumerable.Repeat(unit, 50_000));
                var encoding = tokenizer.Encode(text, addSpecialTokens: false);
                Assert.Equal(text, tokenizer.Decode(encoding.Ids, skipSpecialTokens: false));
            }
        }
    }

    [Fact]
    public void Ids_OfTokens_AreTheVocabulariesOrTheNextAfterIt()
    {
        var tokenizer = new TokenizerJson(("a", "b")).Add("<s>", special: true).Add("a").Add("").Add("<e>").Build();

        Assert.Equal((257, 'a', 258), (tokenizer.TokenId("<s>"), tokenizer.TokenId("a"), tokenizer.TokenId("<e>")));
        Assert.Equal(("<s>", "ab", null), (tokenizer.TokenText(257), tokenizer.TokenText(256), tokenizer.TokenText(259)));
        Assert.Equal(259, tokenizer.VocabSize);
        Assert.Equal([257], tokenizer.SpecialIds);
        Assert.True(tokenizer.IsSpecial(257));
        Assert.False(tokenizer.IsSpecial(258));
        Assert.Equal("ab<e>", tokenizer.Decode([256, 257, 258, 9_999, -1], skipSpecialTokens: true));
    }

    [Fact]
    public void Flush_AfterHalfACharacter_StartsAnew()
    {
        var tokenizer = new TokenizerJson().Build();
        var decoder = tokenizer.NewDecoder(skipSpecialTokens: false);
        int[] ids = tokenizer.Encode("é", addSpecialTokens: false).Ids;

        Assert.Equal(("", "\uFFFD", "", "é", ""), (decoder.Add(ids[0]), decoder.Flush(), decoder.Add(ids[0]), decoder.Add(ids[1]), decoder.Flush()));
    }

    // The rule itself: merge the pair of lowest rank, leftmost first, until there is none.
    private static List<string> Naive(string word, (string Left, string Right)[] merges)
    {
        var symbols = word.Select(c => c.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, symbols.Count - 1).Select(i => (Rank: Array.IndexOf(merges, (symbols[i], symbols[i + 1])), i)).Where(pair => pair.Rank >= 0).DefaultIfEmpty((-1, -1)).Min();
            if (best.Item1 < 0)
            {
                return symbols;
            }

            symbols[best.Item2] += symbols[best.Item2 + 1];
            symbols.RemoveAt(best.Item2 + 1);
        }
    }
}
