using System.Text;
using Orchestrator.Coordinator.Tests.Fuzz;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>Mutated tokenizer files end in a tokenizer that works or in one sentence: no crash, no hang, no unbounded memory.</summary>
public sealed class TokenizerFuzzTests
{
    private const string Text = "Hello  world's <|im_start|>user\n\n café 12345 \u0301😀 ſ <left> Norm xyzw\t!?";

    [Fact]
    public void Parse_MutatedFiles_WorkOrAreRefusedInOneSentence()
    {
        byte[][] valid = [.. ((string[])["gpt2", "llama3", "qwen2", "deepseek", "added_token_zoo"]).Select(folder => File.ReadAllBytes(Fixtures.At("tokenizers", folder, "tokenizer.json")))];
        FuzzResult result = Fuzzer(rounds: 600).Run(valid, UseAll);

        Assert.True(result is { Accepted: > 30, Refused: > 200 }, result.ToString());
    }

    /// <summary>The same on files that are little but their components, where a mutation seldom falls into a vocabulary.</summary>
    [Fact]
    public void Parse_MutatedComponents_WorkOrAreRefusedInOneSentence()
    {
        FuzzResult result = Fuzzer(rounds: 2_500).Run([Small(), Small(@"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")], UseAll);

        Assert.True(result is { Accepted: > 80, Refused: > 500 }, result.ToString());
    }

    [Fact]
    public void Open_MutatedConfigurations_WorkOrAreRefusedInOneSentence()
    {
        using var folder = new TemporaryFolder();
        byte[][] valid = [File.ReadAllBytes(Fixtures.At("tokenizers", "qwen2", "tokenizer_config.json")), """{"bos_token": {"content": "<s>"}, "chat_template": [{"name": "default", "template": "x"}], "add_bos_token": true}"""u8.ToArray()];
        FuzzResult result = Fuzzer(rounds: 600).Run(valid, bytes =>
        {
            File.WriteAllBytes(Path.Combine(folder.Path, TokenizerConfig.FileName), bytes);
            TokenizerConfig.Open(folder.Path);
        });

        Assert.True(result is { Accepted: > 20, Refused: > 100 }, result.ToString());
    }

    // The cache of pieces and the lookup tables are there whatever the file says.
    private static MutationFuzzer Fuzzer(int rounds) => new() { Rounds = rounds, AllocationBase = 64 << 20, AllocationFactor = 200 };

    private static void UseAll(byte[] bytes)
    {
        var tokenizer = Tokenizer.Parse(bytes, "tokenizer.json");
        foreach (string text in (ReadOnlySpan<string>)[Text, new string('a', 300), new string(' ', 300)])
        {
            var encoding = tokenizer.Encode(text, addSpecialTokens: true);
            Assert.Equal(encoding.Ids.Length, encoding.Offsets.Length);
            tokenizer.Decode(encoding.Ids, skipSpecialTokens: true);
            var decoder = tokenizer.NewDecoder(skipSpecialTokens: false);
            string shown = string.Concat(encoding.Ids.Select(decoder.Add)) + decoder.Flush();
            Assert.Equal(tokenizer.Decode(encoding.Ids, skipSpecialTokens: false), shown);
        }
    }

    // Components first, then a vocabulary of a few tokens.
    private static byte[] Small(string pattern = @"a+|[0-9]{1,3}|(?:b|c)*d|\s+(?!\S)") => Encoding.UTF8.GetBytes($$$$$"""
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "{{{{{pattern.Replace("\\", "\\\\", StringComparison.Ordinal)}}}}}"}, "behavior": "Isolated", "invert": false},
        {"type": "Digits", "individual_digits": true}, {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
        "added_tokens": [{"id": 7, "content": "<left>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true},
        {"id": 8, "content": "Norm", "single_word": true, "lstrip": false, "rstrip": true, "normalized": true, "special": false}],
        "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel", "trim_offsets": true}, {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<left>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "special_tokens": {"<left>": {"id": "<left>", "ids": [7], "tokens": ["<left>"]}}}]},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "dropout": null, "unk_token": "l", "fuse_unk": true, "byte_fallback": false, "ignore_merges": true,
        "vocab": {"h": 0, "e": 1, "l": 2, "o": 3, "he": 4, "ll": 5, "hell": 6}, "merges": ["h e", ["l", "l"], "he ll"]}}
        """);
}
