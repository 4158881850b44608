using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Tests.Templates;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>render shows text, tokens and the assistant's part for each conversation, or the reason of the template.</summary>
public sealed class RenderCommandTests
{
    private const string Clock = "2026-02-03T04:05:06";

    [Fact]
    public async Task Render_ModelFolder_GivesTextTokensAndMaskOfTheGoldenCases()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.At("tokenizers", "llama3", "tokenizer.json"), folder.At("tokenizer.json"));
        File.Copy(Fixtures.At("templates", "chatml", "template.jinja"), folder.At("chat_template.jinja"));
        var cases = TemplateFixtures.Lines("chatml/cases.jsonl.gz").ToList();
        WriteRows(folder.At("data.jsonl"), "chatml", cases);

        var run = await CommandRun.RunAsync("render", "--model", folder.Path, "--data", folder.At("data.jsonl"), "--clock", Clock, "--json");

        Assert.Equal((ExitCodes.Done, ""), (run.Code, run.Messages));
        Assert.All(run.Lines, line => Assert.True(line.All(char.IsAscii)));
        Assert.Equal(cases.Count, run.Lines.Length);
        Assert.All(cases.Zip(run.Lines), pair => AssertLine(pair.Item1, JsonNode.Parse(pair.Item2)!));
    }

    [Theory]
    [InlineData("llama3")]
    [InlineData("mistral_v3_tools")]
    public async Task Render_TemplateFile_GivesTextsAndReasons(string name)
    {
        using var folder = new TemporaryFolder();
        var cases = TemplateFixtures.Lines($"{name}/cases.jsonl.gz").ToList();
        WriteRows(folder.At("data.jsonl"), name, cases);

        var run = await CommandRun.RunAsync("render", "--template", Fixtures.At("templates", name, "template.jinja"), "--data", folder.At("data.jsonl"), "--clock", Clock, "--json");

        Assert.Equal((ExitCodes.Done, cases.Count), (run.Code, run.Lines.Length));
        Assert.All(cases.Zip(run.Lines), pair =>
        {
            var line = JsonNode.Parse(pair.Item2)!.AsObject();
            bool isText = pair.Item1.TryGetProperty("expected", out var text);
            Assert.Equal(isText ? "text" : "error", line.Single().Key);
            Assert.Equal(isText ? text.GetString() : pair.Item1.GetProperty("error").GetProperty("message").GetString(), (string?)line.Single().Value);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Render_RowsThatAreWrongBehindGoodOnes_NamesEachAndShowsNothing(bool json)
    {
        using var folder = new TemporaryFolder();
        var file = folder.At("data.jsonl");
        File.WriteAllText(file, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n{\"messages\":5}\n{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n\n{\n");

        var run = await CommandRun.RunAsync(["render", "--template", Fixtures.At("templates", "chatml", "template.jinja"), "--data", file, .. json ? ["--json"] : Array.Empty<string>()]);

        Assert.Equal((ExitCodes.WrongRequest, ""), (run.Code, run.Results));
        var told = run.Messages.TrimEnd().Split('\n');
        Assert.Equal(2, told.Length);
        Assert.Equal($"error: {file}, line 2: a chat is an object with a list of \"messages\".", told[0]);
        Assert.StartsWith($"error: {file}, line 5: it is not valid JSON", told[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Render_BrokenTemplate_SaysSoInEveryLineAndEndsWithTwo()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n{\"messages\":[]}\n");

        var run = await CommandRun.RunAsync("render", "--template", Fixtures.At("templates", "syntax_error", "template.jinja"), "--data", folder.At("data.jsonl"), "--json");

        Assert.Equal((ExitCodes.WrongRequest, 2), (run.Code, run.Lines.Length));
        Assert.All(run.Lines, line => Assert.StartsWith("Encountered unknown tag 'do_nothing'.", (string)JsonNode.Parse(line)!["error"]!, StringComparison.Ordinal));
        Assert.Contains("line 16, column 6", run.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Render_OnATerminal_ShowsTextTokensAndRefusals()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.At("tokenizers", "llama3", "tokenizer.json"), folder.At("tokenizer.json"));
        File.WriteAllText(folder.At("chat_template.jinja"), "{% for m in messages %}{% if m.role == 'critic' %}{{ raise_exception('No critics') }}{% endif %}{% generation %}{{ m.content }}{% endgeneration %}!{% endfor %}");
        File.WriteAllText(folder.At("data.jsonl"), "{\"messages\":[{\"role\":\"user\",\"content\":\"<|eot_id|>abc\"}]}\n{\"messages\":[{\"role\":\"critic\",\"content\":\"x\"}]}\n");

        var run = await CommandRun.RunAsync("render", "--model", folder.Path, "--data", folder.At("data.jsonl"));

        Assert.Equal(ExitCodes.Done, run.Code);
        Assert.Contains("<|eot_id|>abc!", run.Lines);
        Assert.Contains(run.Lines, line => line.StartsWith("* ", StringComparison.Ordinal) && line.EndsWith(" \"<|eot_id|>\"", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("== line 2: refused: No critics (", StringComparison.Ordinal));
    }

    /// <summary>The sample's template has no marks: the tokens that train learns are those that are shown as the assistant's, however the text is to end.</summary>
    [Theory]
    [InlineData("{}")]
    [InlineData("{\"add_generation_prompt\":true}")]
    [InlineData("{\"continue_final_message\":true}")]
    public async Task Render_TemplateWithoutMarks_ShowsWhatTrainLearns(string kwargs)
    {
        using var program = new PrepareProgram();
        var sample = Path.Combine(Fixtures.Repository, "coordinator", "samples");
        var rows = File.ReadLines(Path.Combine(sample, "orders.jsonl")).Take(5).ToList();
        var prepared = await program.RunAsync(Path.Combine(sample, "tiny-llama"), new { train = program.Write("train.jsonl", string.Join('\n', rows)) }, "--json");
        var data = program.Write("data.jsonl", string.Join('\n', rows.Select(row => $"{row[..^1]}, \"kwargs\": {kwargs}}}")));
        string[] command = ["render", "--model", Path.Combine(sample, "tiny-llama"), "--data", data];

        var lines = (await CommandRun.RunAsync([.. command, "--json"])).Lines;
        var shown = (await CommandRun.RunAsync(command)).Lines;

        var masks = lines.Select(line => string.Concat(JsonNode.Parse(line)!["assistant_mask"]!.AsArray().Select(m => (int)m!))).ToList();
        // A prompt behind the chat is not the assistant's; a turn to go on with is cut before the token that ends it.
        var learned = prepared.Samples.Select(row => string.Concat(row.Labels.Select(label => label >= 0 ? 1 : 0))).Zip(masks, (mask, other) => mask.PadRight(other.Length, '0')[..other.Length]).ToList();
        Assert.Equal(5, masks.Count);
        var longer = kwargs.Contains("add", StringComparison.Ordinal) ? 1 : kwargs.Contains("continue", StringComparison.Ordinal) ? -1 : 0;
        Assert.Equal(Enumerable.Repeat(longer, 5), masks.Zip(prepared.Samples, (mask, row) => mask.Length.CompareTo(row.InputIds.Length)));
        Assert.Equal(learned, masks);
        Assert.Equal(string.Concat(masks), string.Concat(shown.Where(line => line.Length > 9 && line[9..].StartsWith(" \"", StringComparison.Ordinal)).Select(line => line[0] == '*' ? '1' : '0')));
        Assert.Contains(shown, line => line.EndsWith($" tokens, {masks[0].Count(m => m == '1')} of them written by the assistant (*)", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Render_TurnThatCannotBeFound_SaysSoAndGivesNoMask()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.At("tokenizers", "llama3", "tokenizer.json"), folder.At("tokenizer.json"));
        File.WriteAllText(folder.At("chat_template.jinja"), "{% for m in messages %}{{ m.role }}: {{ m.content | upper }}{{ loop.last }}\n{% endfor %}");
        File.WriteAllText(folder.At("data.jsonl"), """
            {"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"bc"},{"role":"user","content":"d"}]}
            {"messages":[{"role":"user","content":"a"}]}
            {"messages":["a",{"content":"b"},{"role":5,"content":"c"}],"kwargs":{"add_generation_prompt":true}}
            """);

        var lines = (await CommandRun.RunAsync("render", "--model", folder.Path, "--data", folder.At("data.jsonl"), "--json")).Lines;
        var shown = (await CommandRun.RunAsync("render", "--model", folder.Path, "--data", folder.At("data.jsonl"))).Lines;

        Assert.Equal([true, false, false], lines.Select(line => JsonNode.Parse(line)!["assistant_mask"] is null));
        Assert.Contains(shown, line => line.StartsWith("== line 1: ", StringComparison.Ordinal)
            && line.Contains(" tokens; what the assistant wrote is not known: message 2, an assistant turn, cannot be found in the text", StringComparison.Ordinal));
        Assert.Contains(shown, line => line.StartsWith("== line 2: ", StringComparison.Ordinal) && line.EndsWith(", 0 of them written by the assistant (*)", StringComparison.Ordinal));
        Assert.Contains(shown, line => line.StartsWith("== line 3: ", StringComparison.Ordinal) && line.EndsWith(", 0 of them written by the assistant (*)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{\"messages\":5}", "line 1", "messages")]
    [InlineData("{\"messages\":[],\"kwargs\":[]}", "line 1", "kwargs")]
    [InlineData("\n{\"messages\":", "line 2", "not valid JSON")]
    [InlineData("{\"messages\":[],\"kwargs\":{\"add_generation_prompt\":1}}", "line 1", "add_generation_prompt")]
    public async Task Render_WrongRow_EndsWithTwoAndNamesFileAndLine(string rows, string line, string named)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), rows);
        File.WriteAllText(folder.At("t.jinja"), "x");

        var run = await CommandRun.RunAsync("render", "--template", folder.At("t.jinja"), "--data", folder.At("data.jsonl"), "--json");

        Assert.Equal((ExitCodes.WrongRequest, 0), (run.Code, run.Lines.Length));
        Assert.Contains(line, run.Messages, StringComparison.Ordinal);
        Assert.Contains(named, run.Messages, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Render_BytesThatAreNoUtf8_EndsWithTwoAndNamesFileLineAndByte(bool json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("data.jsonl"), [.. "{\"messages\":[]}\n{\"messages\":[{\"role\":\"user\",\"content\":\""u8, 0xe9, .. "\"}]}\n"u8]);
        File.WriteAllText(folder.At("t.jinja"), "x");

        var run = await CommandRun.RunAsync(["render", "--template", folder.At("t.jinja"), "--data", folder.At("data.jsonl"), .. json ? (string[])["--json"] : []]);

        Assert.Equal(ExitCodes.WrongRequest, run.Code);
        Assert.Contains($"{folder.At("data.jsonl")}, line 2: it is not valid UTF-8: byte 0xe9 at byte 40 of the line (byte offset 55 of the file).", run.Messages, StringComparison.Ordinal);
    }

    /// <summary>Rows are repaired as those that train reads.</summary>
    [Theory]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"\\ud800abc\":1}", "a")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"kwargs\":{\"\\ud800a key of more than twenty-one bytes\":1}}", "a")]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"b\\udc00\"}]}", "b\uFFFD")]
    public async Task Render_HalfOfASurrogatePair_IsReplaced(string row, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), row);
        File.WriteAllText(folder.At("t.jinja"), "{{ messages[0].content }}");

        var run = await CommandRun.RunAsync("render", "--template", folder.At("t.jinja"), "--data", folder.At("data.jsonl"), "--json");

        Assert.Equal((ExitCodes.Done, ""), (run.Code, run.Messages));
        Assert.Equal(expected, (string?)JsonNode.Parse(Assert.Single(run.Lines))!["text"]);
    }

    [Fact]
    public async Task Render_TemplateThatIsNotUtf8_EndsWithTwoAndNamesIt()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), "{\"messages\":[]}");
        File.WriteAllBytes(folder.At("t.jinja"), [(byte)'a', 0xe9]);

        var run = await CommandRun.RunAsync("render", "--template", folder.At("t.jinja"), "--data", folder.At("data.jsonl"));

        Assert.Equal((ExitCodes.WrongRequest, ""), (run.Code, run.Results));
        Assert.Contains($"'{folder.At("t.jinja")}' is not valid UTF-8", run.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Render_WithoutOrWithTwoTemplates_IsAWrongRequest()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(ExitCodes.WrongRequest, (await CommandRun.RunAsync("render", "--data", "x.jsonl")).Code);
        Assert.Equal(ExitCodes.WrongRequest, (await CommandRun.RunAsync("render", "--data", "x.jsonl", "--model", "a", "--template", "b")).Code);
        Assert.Contains("there is no such file", (await CommandRun.RunAsync("render", "--data", "x.jsonl", "--template", folder.At("none.jinja"))).Messages, StringComparison.Ordinal);
        Assert.Contains("no chat template", (await CommandRun.RunAsync("render", "--data", "x.jsonl", "--model", folder.Path)).Messages, StringComparison.Ordinal);
        Assert.Contains("--clock", (await CommandRun.RunAsync("render", "--data", "x.jsonl", "--template", Fixtures.At("templates", "chatml", "template.jinja"), "--clock", "soon")).Messages, StringComparison.Ordinal);
    }

    private static void AssertLine(JsonElement golden, JsonNode line)
    {
        if (!golden.TryGetProperty("expected", out var expected))
        {
            Assert.Equal(golden.GetProperty("error").GetProperty("message").GetString(), (string?)line["error"]);
            return;
        }

        Assert.Equal(expected.GetString(), (string?)line["text"]);
        if (golden.TryGetProperty("mask", out var mask))
        {
            Assert.Equal(mask.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), line["ids"]!.AsArray().Select(id => (int)id!));
            Assert.Equal(mask.GetProperty("assistant_mask").GetString(), string.Concat(line["assistant_mask"]!.AsArray().Select(m => (int)m!)));
        }
    }

    /// <summary>The golden cases as rows, with the special tokens as kwargs where there is no tokenizer to name them.</summary>
    private static void WriteRows(string file, string template, IEnumerable<JsonElement> cases)
    {
        using var rows = new StreamWriter(file);
        foreach (var golden in cases)
        {
            var input = TemplateFixtures.Input(template, golden);
            var kwargs = JsonNode.Parse(golden.GetProperty("kwargs").GetRawText())!.AsObject();
            foreach (var (name, token) in input.SpecialTokens)
            {
                kwargs.TryAdd(name, token);
            }

            var row = new JsonObject { ["messages"] = Node(input.Messages), ["tools"] = Node(input.Tools), ["documents"] = Node(input.Documents), ["kwargs"] = kwargs };
            rows.Write(row.ToJsonString() + "\n");
        }
    }

    private static JsonNode? Node(JsonElement? element) => element is { } present ? JsonNode.Parse(present.GetRawText()) : null;
}
