using System.Text.Json;
using Orchestrator.Coordinator.Preflight;
using Orchestrator.Coordinator.Tests.Cli;
using Orchestrator.Coordinator.Tests.Datasets;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Preflight;

/// <summary>What is found in data before a worker is taken: codes, severities, and the exit code.</summary>
public sealed class PreflightTests : IDisposable
{
    private const string Unmarked = "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}";
    private const string Endless = "{% for m in messages %}{{ m.role ~ ': ' ~ m.content ~ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";

    private readonly PrepareProgram _program = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _program.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Prepare_GoodData_GivesNumbersAndHistogram()
    {
        var result = await Prepare(Model(), """{"text":"a"}""", """{"text":"a b c d e f"}""");
        Assert.True(result.Code == 0, result.Messages);
        Assert.Equal(
            """
            data.train: 2 samples, 9 tokens, 7 with loss (77.8%), 0 of 2 rows dropped, 0 cut
                2 tokens  ██████████████████████████████ 1
                3 tokens  0
              4-5 tokens  0
              6-7 tokens  ██████████████████████████████ 1
            info [format] data.jsonl: 2 rows of the format text (data.format auto: its first row has 'text'); loss on all tokens.

            """.ReplaceLineEndings("\n"), result.Results.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Prepare_EndTokenOutsideTheMarks_IsAnError()
        => await Refused("end-of-turn-without-loss", "After 1 of 1 answers the end-of-turn token <|im_end|> carries no loss", Model(template: Unmarked), Chat("hi", "yo"));

    [Fact]
    public async Task Prepare_DoubledBos_IsAnError()
        => await Refused("doubled-bos", "data.jsonl, line 1: the sample begins with <|begin_of_text|> twice", GoldenDatasets.Model("llama3"), """{"text":"<|begin_of_text|>hello"}""");

    [Fact]
    public async Task Prepare_TokensBeyondTheModel_AreAnError()
        => await Refused("vocabulary-larger-than-model", "the model has 100 embeddings", Model(config: """{"vocab_size":100}"""), """{"text":"hello"}""");

    [Fact]
    public async Task Prepare_HighestToken_NeedsAnEmbeddingOfItsOwn()
    {
        var model = GoldenDatasets.Model("qwen2_chatml");
        await Refused("vocabulary-larger-than-model", "The data has the token 1402", Model(config: """{"vocab_size":1402}"""), Chat("hi", "yo"));
        await Warned("vocabulary-larger-than-model", "the data uses none of those beyond", Model(config: """{"vocab_size":1403}"""), Chat("hi", "yo"));
        var whole = await Prepare(Model(config: $$"""{"vocab_size":{{Tokenizer.Open(model).VocabSize}}}"""), Chat("hi", "yo"));
        Assert.DoesNotContain("vocabulary-larger-than-model", whole.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_SeveralFindings_TellsTheWorstFirst()
    {
        var result = await Prepare(Model(config: """{"vocab_size":100}"""), """{"prompt":"a <|im_start|> b","completion":"c","id":1}""");
        Assert.Equal(["error", "warning", "info", "info"], result.Results.Split('\n').Where(line => line.Contains(" [", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public async Task Prepare_LargerVocabularyThatTheDataDoesNotUse_IsAWarning()
        => await Warned("vocabulary-larger-than-model", "the data uses none of those beyond", Model(config: """{"vocab_size":1410}"""), """{"text":"hello"}""");

    [Fact]
    public async Task Prepare_EndTokenThatGenerationDoesNotKnow_IsAWarning()
    {
        await Warned("end-of-turn-unknown", "<|im_end|> (id 1402), but generation stops at 1400 only (eos_token_id in generation_config.json)", Model(generation: """{"eos_token_id":1400}"""), Chat("hi", "yo"));
        var known = await Prepare(Model(generation: """{"eos_token_id":[1400,1402]}"""), Chat("hi", "yo"));
        Assert.DoesNotContain("warning", known.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_AnswersWithoutEnd_AreAWarning()
        => await Warned("no-end-of-turn", "1 of 1 answers end without any end-of-turn token", Model(template: Endless), Chat("hi", "yo"));

    /// <summary>What a row learns besides its answer changes nothing about how the answer ends.</summary>
    [Fact]
    public async Task Prepare_LossOnAll_StillLooksAtTheEndsOfAnswers()
    {
        var endless = await PrepareWhole(Model(template: Endless), Chat("hi", "yo"), Chat("hi", "yo"));
        Assert.Contains("warning [no-end-of-turn] 2 of 2 answers end without any end-of-turn token", endless.Results, StringComparison.Ordinal);
        var unknown = await PrepareWhole(Model(generation: """{"eos_token_id":1400}"""), Chat("hi", "yo"));
        Assert.Contains("warning [end-of-turn-unknown] Answers end with <|im_end|> (id 1402), but generation stops at 1400 only", unknown.Results, StringComparison.Ordinal);
        var pair = await PrepareWhole(Model(generation: """{"eos_token_id":1400}"""), """{"prompt":"p","completion":"c"}""");
        Assert.Contains("warning [end-of-turn-unknown]", pair.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_LossOnAll_AsksNoEndOfWhatIsNoAnswer()
    {
        var question = await PrepareWhole(Model(template: Endless), """{"messages":[{"role":"user","content":"hi"}]}""");
        Assert.True(question.Code == 0, question.Messages);
        Assert.DoesNotContain("warning", question.Results, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"prompt":"a <|im_start|> b","completion":"c"}""", "data.jsonl, line 1: the prompt holds <|im_start|>")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"a <|im_start|> b"}]}]}""", "data.jsonl, line 1: the content of a message of the role user holds <|im_start|>")]
    [InlineData("""{"messages":[{"role":"user","content":["a", "b <|im_start|>"]}]}""", "data.jsonl, line 1: the content of a message of the role user holds <|im_start|>")]
    [InlineData("""{"messages":[{"role":"user","content":{"type":"text","text":"<|im_start|>"}}]}""", "data.jsonl, line 1: the content of a message of the role user holds <|im_start|>")]
    public async Task Prepare_SpecialTokenInAPromptOrAPart_IsAWarning(string row, string sentence)
    {
        var result = await PrepareWhole(Model(template: "{% for m in messages %}{{ m.content | string }}{% endfor %}"), row);
        Assert.Contains($"warning [special-token-text] {sentence}, which becomes the special token", result.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_SpecialTokenInAnInstructionWithoutTemplate_IsAWarning()
    {
        var model = Model();
        File.Delete(Path.Combine(model, "chat_template.jinja"));
        await Warned("special-token-text", "data.jsonl, line 1: the prompt holds <|im_start|>", model, """{"instruction":"Say <|im_start|>.","output":"no"}""");
    }

    /// <summary>A completion may bring the token that ends it, and a text is what somebody wrote on purpose.</summary>
    [Theory]
    [InlineData("""{"prompt":"a","completion":"c<|im_end|>"}""")]
    [InlineData("""{"text":"<|im_start|>a"}""")]
    public async Task Prepare_SpecialTokenOnPurpose_IsNoFinding(string row)
        => Assert.DoesNotContain("special-token-text", (await Prepare(Model(), row)).Results, StringComparison.Ordinal);

    [Fact]
    public async Task Prepare_SpecialTokenInAMessage_IsAWarning()
        => await Warned("special-token-text", "data.jsonl, line 2: the content of a message of the role user holds <|im_start|>", Model(), Chat("hi", "yo"), Chat("a <|im_start|> b", "yo"));

    [Fact]
    public async Task Prepare_UnusedField_IsToldOnce()
    {
        var result = await Prepare(Model(), """{"text":"a","id":1}""", """{"text":"b","id":2}""", """{"text":"c","id":3}""", """{"text":"d","id":4}""");
        Assert.Contains("info [unused-field] data.jsonl, line 1, line 2, line 3 and 1 more row: the field 'id' is not used.", result.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_EvalRowsInsideTrain_AreCounted()
    {
        var train = _program.Write("data.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"text\":\"b\"}\n");
        var eval = _program.Write("eval.jsonl", "{\"text\":\"b\"}\n{\"text\":\"c\"}\n{\"text\":\"b\"}\n");
        var result = await _program.RunAsync(Model(), new { train, eval });
        Assert.Contains("warning [eval-in-train] 2 of 3 evaluation samples are training samples too", result.Results, StringComparison.Ordinal);
        Assert.Contains("data.eval: 3 samples", result.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_HeldOutSplit_ShowsTheTrainingSamplesOnly()
    {
        var train = _program.Write("data.jsonl", string.Concat("abcdefgh".Select(letter => $"{{\"text\":\"{letter}\"}}\n")));
        var result = await _program.RunAsync(Model(), new { train, eval_split = 0.25 }, "--json");
        Assert.Equal(6, result.Samples.Count);
        Assert.Contains("data.eval_split: 2 samples", result.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_Show_TellsOfEachTokenWhetherItCarriesLoss()
    {
        var data = _program.Write("data.jsonl", Chat("hi", "yo") + "\n" + Chat("hi", "no") + "\n");
        var result = await _program.RunAsync(Model(), new { train = data }, "--show", "1");
        Assert.Contains("\nsample 0: ", result.Results.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n", result.Results, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^ +1401  -     <\|im_start\|>\r?$", result.Results);
        Assert.Matches(@"(?m)^ +1402  loss  <\|im_end\|>\r?$", result.Results);
        Assert.Matches(@"(?m)^ +198  -     \\n\r?$", result.Results);
        Assert.DoesNotContain("sample 1", result.Results, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_TwiceOnOneOutput_TakesTheShardsUpAgain()
    {
        var first = await Prepare(Model(), """{"text":"a"}""");
        var shards = Directory.GetFiles(Path.Combine(_program.Output, ".orchestrator", "data"), "*.blob");
        var written = File.GetLastWriteTimeUtc(Assert.Single(shards));
        var second = await Prepare(Model(), """{"text":"a"}""");
        Assert.Equal(first, second);
        Assert.Equal(written, File.GetLastWriteTimeUtc(shards[0]));
        await Prepare(Model(), """{"text":"b"}""");
        Assert.Equal(2, Directory.GetFiles(Path.Combine(_program.Output, ".orchestrator", "data"), "*.blob").Length);
    }

    [Fact]
    public void Histogram_OfLengths_CoversEveryLengthOnce()
    {
        var ranges = LengthHistogram.Of([.. Enumerable.Range(1, 1000)]).Ranges;
        Assert.Equal(1000, ranges.Sum(range => range.Samples));
        Assert.All(ranges.Zip(ranges.Skip(1)), pair => Assert.Equal(pair.Item1.To + 1, pair.Item2.From));
        Assert.Equal([(1, 1), (2, 2), (3, 3), (4, 5), (6, 7), (8, 11), (12, 15)], ranges.Take(7).Select(range => (range.From, range.To)));
    }

    private static string Chat(string user, string assistant)
        => JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = user }, new { role = "assistant", content = assistant } } });

    private string Model(string? template = null, string? config = null, string? generation = null)
    {
        var model = _folder.CopyOf(GoldenDatasets.Model("qwen2_chatml"), Guid.NewGuid().ToString("N"));
        foreach (var (name, content) in new[] { ("chat_template.jinja", template), ("config.json", config), ("generation_config.json", generation) })
        {
            if (content is not null)
            {
                File.WriteAllText(Path.Combine(model, name), content);
            }
        }

        return model;
    }

    private Task<PrepareResult> Prepare(string model, params string[] rows)
        => _program.RunAsync(model, new { train = _program.Write("data.jsonl", string.Join('\n', rows)) });

    private Task<PrepareResult> PrepareWhole(string model, params string[] rows)
        => _program.RunAsync(model, new { train = _program.Write("data.jsonl", string.Join('\n', rows)), loss_on = "all" });

    private async Task Refused(string code, string sentence, string model, params string[] rows)
    {
        var result = await Prepare(model, rows);
        Assert.Equal(2, result.Code);
        Assert.Contains($"error [{code}] ", result.Results, StringComparison.Ordinal);
        Assert.Contains(sentence, result.Results, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_program.Output), "something was written");
    }

    private async Task Warned(string code, string sentence, string model, params string[] rows)
    {
        var result = await Prepare(model, rows);
        Assert.True(result.Code == 0, result.Messages);
        Assert.Contains($"warning [{code}] ", result.Results, StringComparison.Ordinal);
        Assert.Contains(sentence, result.Results, StringComparison.Ordinal);
    }
}
