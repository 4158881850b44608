using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Tokenizers;

/// <summary>Special tokens and chat template of a folder, with the precedence of transformers.</summary>
public sealed class TokenizerConfigTests
{
    [Fact]
    public void Open_GoldenFolders_NameTheirSpecialTokens()
    {
        var llama = TokenizerConfig.Open(Fixtures.At("tokenizers", "llama3"));
        Assert.Equal(("<|begin_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>", null, null), (llama.BosToken, llama.EosToken, llama.PadToken, llama.UnkToken, llama.AddBosToken));
        var qwen = TokenizerConfig.Open(Fixtures.At("tokenizers", "qwen2"));
        Assert.Equal((null, "<|im_end|>", "<|endoftext|>", false), (qwen.BosToken, qwen.EosToken, qwen.PadToken, qwen.AddBosToken));
        Assert.Equal(5, qwen.AdditionalSpecialTokens.Count);
        var deepseek = TokenizerConfig.Open(Fixtures.At("tokenizers", "deepseek"));
        Assert.Equal(("<｜end▁of▁sentence｜>", true, false), (deepseek.PadToken, deepseek.AddBosToken, deepseek.AddEosToken));
    }

    [Fact]
    public void Open_EmptyFolder_LeavesAllNull()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal((null, null, null), Open(folder, []) is { } config ? (config.BosToken, config.ChatTemplate, config.AddBosToken) : default);
    }

    [Fact]
    public void Open_MapOfSpecialTokens_CountsUnlessAddedTokensAreDecoded()
    {
        using var folder = new TemporaryFolder();
        const string Map = """{"bos_token": {"content": "<map>", "lstrip": false}, "unk_token": null}""";
        Assert.Equal(("<map>", "<e>", null), Tokens(Open(folder, [("tokenizer_config.json", """{"bos_token": "<s>", "eos_token": "<e>", "unk_token": "<u>"}"""), ("special_tokens_map.json", Map)])));
        Assert.Equal(("<s>", null, "<u>"), Tokens(Open(folder, [("tokenizer_config.json", """{"bos_token": "<s>", "unk_token": "<u>", "added_tokens_decoder": {}}"""), ("special_tokens_map.json", Map)])));
    }

    [Fact]
    public void Open_ChatTemplate_ComesFromItsFileThenFromTheConfiguration()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal("one", Open(folder, [("tokenizer_config.json", """{"chat_template": "one"}""")]).ChatTemplate);
        Assert.Equal("two", Open(folder, [("tokenizer_config.json", """{"chat_template": [{"name": "rag", "template": "x"}, {"name": "default", "template": "two"}]}""")]).ChatTemplate);
        var refusal = Assert.Throws<InvalidInputException>(() => Open(folder, [("tokenizer_config.json", """{"chat_template": [{"name": "rag", "template": "x"}]}""")]));
        Assert.Contains("'default'", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("three\r\n", Open(folder, [("tokenizer_config.json", """{"chat_template": "one"}"""), ("chat_template.jinja", "three\r\n")]).ChatTemplate);
    }

    [Theory]
    [InlineData("chat_template.jinja")]
    [InlineData("additional_chat_templates/tool_use.jinja")]
    public void Open_TemplateThatIsNotUtf8_IsRefusedWithItsFile(string name)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("additional_chat_templates"));
        File.WriteAllBytes(folder.At(name), [(byte)'a', 0xe9]);
        var refusal = Assert.Throws<InvalidInputException>(() => TokenizerConfig.Open(folder.Path));
        Assert.Equal($"The chat template '{folder.At(name)}' is not valid UTF-8; save it as UTF-8.", refusal.Message);
    }

    [Fact]
    public void Open_NamedTemplates_GiveChatsWithToolsTheirOwn()
    {
        using var folder = new TemporaryFolder();
        var named = Open(folder, [("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "chat"}, {"name": "tool_use", "template": "tools"}, {"name": "rag", "template": "x"}]}""")]);
        Assert.Equal(("chat", "tools"), (named.ChatTemplate, named.ToolTemplate));

        // A file for chats leaves nothing of the list; files for others stand in a folder beside it.
        var file = Open(folder, [("chat_template.jinja", "file")]);
        Assert.Equal(("file", null), (file.ChatTemplate, file.ToolTemplate));
        Directory.CreateDirectory(folder.At("additional_chat_templates"));
        var both = Open(folder, [("additional_chat_templates/tool_use.jinja", "file of tools")]);
        Assert.Equal(("file", "file of tools"), (both.ChatTemplate, both.ToolTemplate));
    }

    /// <summary>What transformers 5 passes to a template: every token that has a name, and none of the nameless ones.</summary>
    [Fact]
    public void Open_TokensWithNames_AreAllNamed()
    {
        using var folder = new TemporaryFolder();
        const string Config = """
            {"bos_token": "<s>", "sep_token": {"content": "<sep>", "__type": "AddedToken"}, "cls_token": "<cls>", "mask_token": "<mask>", "unk_token": null, "add_bos_token": true,
             "image_token": "<image>", "extra_special_tokens": {"boi": "<boi>", "eoi_token": {"content": "<eoi>"}}, "added_tokens_decoder": {}}
            """;
        Assert.Equal(
            ["boi=<boi>", "bos_token=<s>", "cls_token=<cls>", "eoi_token=<eoi>", "image_token=<image>", "mask_token=<mask>", "sep_token=<sep>"],
            Named(Open(folder, [("tokenizer_config.json", Config)])));

        const string Map = """{"sep_token": "[SEP]", "audio_token": "<audio>", "additional_special_tokens": ["<a>"]}""";
        Assert.Equal(
            ["audio_token=<audio>", "bos_token=<s>", "sep_token=[SEP]"],
            Named(Open(folder, [("tokenizer_config.json", """{"bos_token": "<s>", "sep_token": "</s>"}"""), ("special_tokens_map.json", Map)])));
    }

    private static IEnumerable<string> Named(TokenizerConfig config) => config.NamedTokens.Select(token => $"{token.Key}={token.Value}").Order(StringComparer.Ordinal);

    private static (string?, string?, string?) Tokens(TokenizerConfig config) => (config.BosToken, config.EosToken, config.UnkToken);

    private static TokenizerConfig Open(TemporaryFolder folder, (string Name, string Content)[] files)
    {
        foreach (var (name, content) in files)
        {
            File.WriteAllText(Path.Combine(folder.Path, name), content);
        }

        return TokenizerConfig.Open(folder.Path);
    }
}
