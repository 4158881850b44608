using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Tests.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>tokenize gives ids and their text for texts of a file or of the command line.</summary>
public sealed class TokenizeCommandTests
{
    [Theory]
    [InlineData(false, "ids_special", "decoded_special")]
    [InlineData(true, "ids", "decoded")]
    public async Task Tokenize_File_GivesTheGoldenIdsAndTexts(bool noSpecial, string ids, string decoded)
    {
        using var folder = new TemporaryFolder();
        var cases = GoldenTokenizers.Rows("llama3", "cases.jsonl.gz").ToList();
        File.WriteAllText(folder.At("data.jsonl"), string.Concat(cases.Select(c => new JsonObject { ["text"] = (string)c["text"]! }.ToJsonString() + "\n")));

        var run = await CommandRun.RunAsync(
            ["tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "--data", folder.At("data.jsonl"), "--json", .. noSpecial ? (string[])["--no-special"] : []]);

        Assert.Equal((ExitCodes.Done, "", cases.Count), (run.Code, run.Messages, run.Lines.Length));
        Assert.All(cases.Zip(run.Lines), pair =>
        {
            var line = JsonNode.Parse(pair.Item2)!;
            Assert.True(pair.Item2.All(char.IsAscii));
            Assert.Equal(GoldenTokenizers.Ints(pair.Item1, ids), GoldenTokenizers.Ints(line, "ids"));
            Assert.Equal((string?)pair.Item1[decoded], (string?)line["decoded"]);
        });
    }

    [Fact]
    public async Task Tokenize_Text_ShowsOneTokenALine()
    {
        var run = await CommandRun.RunAsync(["tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "Hello", "--no-special"]);

        Assert.Equal(ExitCodes.Done, run.Code);
        Assert.Equal($"{run.Lines.Length - 1} tokens", run.Lines[^1]);
        Assert.Equal("Hello", string.Concat(run.Lines[..^1].Select(line => (string)JsonNode.Parse(line[8..])!)));
    }

    [Fact]
    public async Task Tokenize_Text_ShowsWhatAPersonCanRead()
    {
        var run = await CommandRun.RunAsync(["tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "<|eot_id|>it's a+b\n\u001b", "--no-special"]);

        var shown = run.Lines[..^1].Select(line => line[8..]).ToList();
        Assert.Equal("\"<|eot_id|>\"", shown[0]);
        Assert.Equal("<|eot_id|>it's a+b\\n\\u001B", string.Concat(shown.Select(token => token[1..^1])));
    }

    [Theory]
    [InlineData("{\"txt\":\"a\"}", "line 1")]
    [InlineData("{\"text\":\"a\"}\n[", "line 2")]
    [InlineData("{\"text\":\"\\ud800\"}", "surrogate")]
    public async Task Tokenize_WrongRow_EndsWithTwoAndNamesIt(string rows, string named)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), rows);

        var run = await CommandRun.RunAsync(["tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "--data", folder.At("data.jsonl"), "--json"]);

        Assert.Equal(ExitCodes.WrongRequest, run.Code);
        Assert.Contains(named, run.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokenize_BytesThatAreNoUtf8_EndsWithTwoAndNamesFileLineAndByte()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("data.jsonl"), [.. "\n{\"text\":\"a"u8, 0xff, .. "\"}"u8]);

        var run = await CommandRun.RunAsync(["tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "--data", folder.At("data.jsonl"), "--json"]);

        Assert.Equal((ExitCodes.WrongRequest, ""), (run.Code, run.Results));
        Assert.Contains($"{folder.At("data.jsonl")}, line 2: it is not valid UTF-8: byte 0xff at byte 11 of the line (byte offset 11 of the file).", run.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokenize_WithoutOrWithTwoSources_IsAWrongRequest()
    {
        var model = Fixtures.At("tokenizers", "llama3");
        Assert.Equal(ExitCodes.WrongRequest, (await CommandRun.RunAsync(["tokenize", "--model", model])).Code);
        Assert.Equal(ExitCodes.WrongRequest, (await CommandRun.RunAsync(["tokenize", "--model", model, "a", "--data", "b"])).Code);
    }

    [Fact]
    public async Task Tokenize_RowsThatAreWrongBehindGoodOnes_NamesEachAndShowsNothing()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), "{\"text\":\"a\"}\n{\"txt\":\"a\"}\n{\"text\":\"a\"}\n[\n");

        var run = await CommandRun.RunAsync("tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "--data", folder.At("data.jsonl"), "--json");

        Assert.Equal((ExitCodes.WrongRequest, ""), (run.Code, run.Results));
        Assert.Matches("^error: .*data\\.jsonl, line 2: .*\nerror: .*data\\.jsonl, line 4: .*\n$", run.Messages);
    }
}
