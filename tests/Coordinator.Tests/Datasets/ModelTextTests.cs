using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Which of a folder's templates a row is rendered with, and what the template is given.</summary>
public sealed class ModelTextTests : IDisposable
{
    private const string Named = """
        {"eos_token": "<|im_end|>", "sep_token": "<|im_start|>", "added_tokens_decoder": {}, "chat_template": [
          {"name": "default", "template": "chat{{ sep_token }}{% generation %}{{ messages[-1].content }}{% endgeneration %}"},
          {"name": "tool_use", "template": "tools:{{ tools | length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"}]}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "chat<|im_start|>yo")]
    [InlineData(""", "tools": null""", "chat<|im_start|>yo")]
    [InlineData(", \"tools\": \"null\"", "chat<|im_start|>yo")]
    [InlineData(""", "tools": []""", "tools:0hi<|im_end|>yo<|im_end|>")]
    [InlineData(""", "tools": [{"type": "function"}]""", "tools:1hi<|im_end|>yo<|im_end|>")]
    public void Make_RowOfAFolderWithNamedTemplates_TakesToolUseWhereItHasTools(string tools, string expected)
    {
        var sample = Make(Open(Named), $$"""{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]{{tools}}}""");
        Assert.Equal(expected, sample.Text);
        // Each template is asked by itself whether it marks the turns.
        Assert.Equal(expected.EndsWith("yo", StringComparison.Ordinal) ? "yo" : "yo<|im_end|>", Learned(sample));
    }

    /// <summary>The templates decide what a text becomes, so both are part of what prepared data is found by.</summary>
    [Fact]
    public void Key_OfAnotherToolTemplate_IsAnother()
    {
        var first = Open(Named).Key;
        var tools = Directory.CreateDirectory(Path.Combine(_folder.At("copy"), "additional_chat_templates"));
        File.WriteAllText(Path.Combine(tools.FullName, "tool_use.jinja"), "other");
        Assert.NotEqual(first, ModelText.Open(_folder.At("copy"), DefaultJob.Data).Key);
    }

    /// <summary>A template that no row needs may be what is not built; a template of the job's own is for all rows.</summary>
    [Fact]
    public void Open_BrokenToolTemplate_HurtsRowsWithToolsOnly()
    {
        const string Broken = """{"chat_template": [{"name": "default", "template": "x"}, {"name": "tool_use", "template": "{% import 'a' %}"}]}""";
        const string WithTools = """{"messages": [{"role": "user", "content": "hi"}], "tools": [1]}""";
        var model = Open(Broken);
        Assert.Equal("x", Make(model, """{"messages": [{"role": "user", "content": "hi"}]}""").Text);
        Assert.Contains("the model's chat template for tools, line 1", Assert.Throws<RowException>(() => Make(model, WithTools)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder.At("own.jinja"), "own");
        Assert.Equal("own", Make(ModelText.Open(_folder.At("copy"), DefaultJob.Data with { ChatTemplate = _folder.At("own.jinja") }), WithTools).Text);
    }

    private ModelText Open(string config)
    {
        var model = _folder.CopyOf(GoldenDatasets.Model("qwen2_chatml"));
        File.Delete(Path.Combine(model, TokenizerConfig.TemplateFileName));
        File.WriteAllText(Path.Combine(model, TokenizerConfig.FileName), config);
        return ModelText.Open(model, DefaultJob.Data);
    }

    private static Sample Make(ModelText model, string row)
        => new SampleMaker(model, LossOn.Assistant).Make(new RowParser(DataFormat.Messages, ValueMap<string>.Empty, hasTemplate: true).Read(JsonElement.Parse(row), default, new RemarkTally()));

    private static string Learned(Sample sample)
        => ModelTextOfGolden.Value.Tokenizer.Decode([.. sample.Labels.Where(label => label != TokensRow.NoLoss)], skipSpecialTokens: false);

    private static readonly Lazy<ModelText> ModelTextOfGolden = new(() => ModelText.Open(GoldenDatasets.Model("qwen2_chatml"), DefaultJob.Data));
}
