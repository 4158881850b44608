using System.Text.Json;
using Orchestrator.Coordinator.Tests.Datasets;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>Formats, settings and templates beyond the golden runs: what is taken, and what is refused with a place.</summary>
public sealed class PrepareFormatsTests : IDisposable
{
    private const string Chat = """{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]}""";

    private readonly PrepareProgram _program = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _program.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Prepare_FilesOfSeveralFormats_AreReadOneAfterTheOther()
    {
        var train = new[] { _program.Write("a.jsonl", Chat), _program.Write("b.json", """[{"prompt":"p","completion":"c"}]"""), _program.Write("c.jsonl", """{"input_ids":[5,6],"labels":[-100,6]}""") };
        var result = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train }, "--json");
        Assert.True(result.Code == 0, result.Messages);
        Assert.Equal(["<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n", "pc<|im_end|>", "&'"], result.Samples.Select(sample => sample.Text));
        Assert.Equal([5, 6], result.Samples[2].InputIds);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":1}]}""", "data.jsonl, line 1: message 1: the field 'content' is a number; a text is expected")]
    [InlineData("""{"messages":[{"role":"user"}]}""", "data.jsonl, line 1: message 1: the field 'content' is missing")]
    [InlineData("""{"messages":["hi"]}""", "data.jsonl, line 1: message 1 is a text where an object is expected")]
    [InlineData("""{"messages":{}}""", "data.jsonl, line 1: the field 'messages' is an object; a list is expected")]
    [InlineData("""{"conversations":[{"from":"stranger","value":"x"}]}""", "data.jsonl, line 1: message 1 is from 'stranger', which is not known")]
    [InlineData("""{"question":"q","answer":"a"}""", "data.jsonl, line 1: data.format auto cannot tell the format from the row's fields ('question', 'answer'); set data.format")]
    [InlineData("""{"chosen":"a","rejected":"b"}""", "data.jsonl, line 1: the row has 'chosen' and 'rejected': data of the format preference is not built yet")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":"[nonsense"}""", "data.jsonl, line 1: the text in the field 'tools' is not valid JSON")]
    public async Task Prepare_WrongRow_IsRefusedWithItsPlace(string row, string expected)
    {
        var result = await Prepare(GoldenDatasets.Model("qwen2_chatml"), new { train = _program.Write("data.jsonl", row) });
        Assert.Equal((2, ""), (result.Code, result.Results));
        Assert.Contains(expected, result.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_ConversationThatTheTemplateRefuses_IsRefusedWithItsPlace()
    {
        const string TwoCalls = """{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{},{}]}]}""";
        var result = await Prepare(GoldenDatasets.Model("llama3"), new { train = _program.Write("data.jsonl", $"{Chat}\n{TwoCalls}") });
        Assert.Equal(2, result.Code);
        Assert.Contains("data.jsonl, line 2: the chat template refuses the conversation: ", result.Messages, StringComparison.Ordinal);
        Assert.Contains("One tool call at a time, please", result.Messages, StringComparison.Ordinal);
    }

    /// <summary>Token rows need no tokenizer, and a model all the same: as train says.</summary>
    [Fact]
    public async Task Prepare_ModelThatIsNotThere_IsRefusedAsByTrain()
    {
        var model = _folder.At("none");
        var result = await Prepare(model, new { train = _program.Write("data.jsonl", """{"input_ids":[1,2],"labels":[1,2]}""") });
        Assert.Equal((2, ""), (result.Code, result.Results));
        Assert.EndsWith($": model: '{model}' does not exist; give the path of a model folder, for nothing is downloaded.\n", result.Messages, StringComparison.Ordinal);
        Assert.Matches(@"^error: \S+/job\.json, line 1, column \d+: model: .+\n$", result.Messages);
        Assert.False(Directory.Exists(_program.Output), "something was written");
    }

    [Theory]
    [InlineData("right", "one two three", "one two")]
    [InlineData("left", "one two three", " two three")]
    [InlineData("right", "one two", "one two")]
    public async Task Prepare_CutSample_HasTheTextOfItsTokens(string truncation, string text, string kept)
    {
        var tokenizer = Tokenizer.Open(GoldenDatasets.Model("qwen2_chatml"));
        var whole = tokenizer.Encode(text + "<|im_end|>", addSpecialTokens: true).Ids;
        var left = tokenizer.Encode(kept + (kept == text || truncation == "left" ? "<|im_end|>" : ""), addSpecialTokens: true).Ids;
        var data = new { train = _program.Write("data.jsonl", JsonSerializer.Serialize(new { text })), truncation, max_length = left.Length };
        var result = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), data, "--json");
        var sample = Assert.Single(result.Samples);
        Assert.Equal(truncation == "left" ? whole[^left.Length..] : whole[..left.Length], sample.InputIds);
        Assert.Equal(tokenizer.Decode(left, skipSpecialTokens: false), sample.Text);
        var shown = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), data, "--show", "1");
        Assert.Contains($" with loss\n{sample.Text}\n", shown.Results.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_ConversationsWithRoles_AreMessages()
    {
        var result = await Prepare(GoldenDatasets.Model("qwen2_chatml"), new { train = _program.Write("data.jsonl", Chat.Replace("messages", "conversations", StringComparison.Ordinal)) });
        Assert.Contains("row of the format messages (data.format auto: its first row has 'conversations' with roles)", result.Results, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text", "completion", """{"text":"a"}""", "data.loss_on is completion, but rows of plain text are learned whole")]
    [InlineData("tokens", "all", """{"input_ids":[1,2],"labels":[1,2]}""", "token rows carry their own labels")]
    [InlineData("auto", "assistant", """{"prompt":"p","completion":"c"}""", "data.jsonl, line 1: data.loss_on is assistant, but the row's prompt and completion are texts")]
    public async Task Prepare_LossThatTheRowsDoNotHave_IsRefused(string format, string lossOn, string row, string expected)
    {
        var result = await Prepare(GoldenDatasets.Model("qwen2_chatml"), new { train = _program.Write("data.jsonl", row), format, loss_on = lossOn });
        Assert.Equal(2, result.Code);
        Assert.Contains(expected, result.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_ModelWithoutTemplate_RefusesChatsAndWordsAlpacaItself()
    {
        var model = _folder.CopyOf(GoldenDatasets.Model("qwen2_chatml"));
        File.Delete(Path.Combine(model, "chat_template.jinja"));
        var chat = await Prepare(model, new { train = _program.Write("data.jsonl", Chat) });
        Assert.Equal(2, chat.Code);
        Assert.Contains("has no chat template, and the data holds chats; give data.chat_template a .jinja file", chat.Messages, StringComparison.Ordinal);

        var alpaca = await _program.RunAsync(model, new { train = _program.Write("data.jsonl", """{"instruction":"Add.","input":"1 and 2","output":"3"}""") }, "--json");
        Assert.EndsWith("\n\n### Instruction:\nAdd.\n\n### Input:\n1 and 2\n\n### Response:\n3<|im_end|>", Assert.Single(alpaca.Samples).Text, StringComparison.Ordinal);

        var template = _folder.At("own.jinja");
        await File.WriteAllTextAsync(template, "{% for m in messages %}{{ m.role }}={{ m.content }}<|im_end|>{% endfor %}", TestContext.Current.CancellationToken);
        var own = await _program.RunAsync(model, new { train = _program.Write("data.jsonl", Chat), chat_template = template }, "--json");
        Assert.Equal("user=hi<|im_end|>assistant=yo<|im_end|>", Assert.Single(own.Samples).Text);
    }

    [Fact]
    public async Task Prepare_FieldsOfAnotherFormat_AreRefused()
    {
        var result = await Prepare(GoldenDatasets.Model("qwen2_chatml"), new { train = _program.Write("data.jsonl", Chat), format = "messages", fields = new { prompt = "question" } });
        Assert.Equal(2, result.Code);
        Assert.Contains("data.fields names 'prompt', but rows of the format messages have messages, tools, documents", result.Messages, StringComparison.Ordinal);
    }

    private Task<PrepareResult> Prepare(string model, object data) => _program.RunAsync(model, data);
}
