using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Preparation;

/// <summary><c>prepare</c> as a process: samples on stdout, the report on stderr, nothing left by a refusal, the same shard after a kill.</summary>
public sealed partial class PrepareTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PrepareTests() => ZipFile.ExtractToDirectory(Repository.Fixture("datasets", "golden.zip"), _folder.FullPath);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama3", "messages_multi_turn.jsonl", "multi_turn_assistant_only", "auto")]
    [InlineData("qwen2_chatml", "prompt_completion_chat.jsonl", "prompt_completion_chat_completion_only", "auto")]
    [InlineData("qwen2_chatml", "sharegpt.jsonl", "sharegpt_full", "all")]
    public void Prepare_GoldenDataset_PrintsTheReferencesIdsAndLabels(string model, string file, string run, string lossOn)
    {
        var result = OrchestratorProcess.Run("prepare", Job(model, file), "--json", "--clock", "2026-02-03T04:05:06", "--set", $"data.loss_on={lossOn}");
        Assert.True(result.ExitCode == 0, result.ToString());
        var expected = File.ReadLines(_folder[$"sft_{model}", $"{run}.jsonl"]).Select(Row);
        Assert.Equal(expected, result.Output.TrimEnd().Split('\n').Select(Row));
        Assert.All(result.Output, character => Assert.True(char.IsAscii(character)));
        Assert.Contains("data.train: 40 samples", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bad_json_line.jsonl", "line 17: it is not valid JSON: it ends early")]
    [InlineData("missing_field.jsonl", "line 9: the field 'completion' is missing")]
    [InlineData("no_assistant.jsonl", "no label token at all in any of its 3 rows")]
    [InlineData("deep.jsonl", "nested too deeply")]
    public void Prepare_MalformedFile_EndsWithTwoAndNothingWritten(string file, string sentence)
    {
        var job = Job("qwen2_chatml", Path.Combine("..", "malformed", file));
        var result = OrchestratorProcess.Run("prepare", job);
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Contains(sentence, result.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["out"]), "something was written");
    }

    [Fact]
    public void Prepare_KilledHalfWay_GivesTheSameShardTheNextTime()
    {
        WriteRows("large.jsonl");
        var job = Job("qwen2_chatml", "large.jsonl");
        using (var killed = StartOnOneProcessor("prepare", job))
        {
            Assert.True(killed.WaitUntil(() => Share(killed.Errors) > 0.5) && Share(killed.Errors) < 1, killed.Errors);
            OrchestratorProcess.Kill(killed.Id);
        }

        Assert.Empty(Shards("out"));
        foreach (var folder in new[] { "out", "other" })
        {
            using var whole = StartOnOneProcessor("prepare", job, "--out", _folder[folder]);
            var result = whole.Finish();
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Matches(@"large\.jsonl: [\d.]+ MB of [\d.]+ MB, [\d,]+ rows, .* left", result.Errors);
        }

        Assert.Equal(Assert.Single(Shards("out")), Assert.Single(Shards("other")));
    }

    // Slow enough on any machine that a line of progress comes while there is something left.
    private static OrchestratorProcess StartOnOneProcessor(params string[] arguments) =>
        OrchestratorProcess.StartProgram("taskset", ["-c", $"{ProcessFacts.Processors()[0]}", Repository.Coordinator, .. arguments]);

    // ORCHESTRATOR_DATA_MB makes it larger than the suite's.
    private void WriteRows(string name)
    {
        var bytes = 1_000_000L * (int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_DATA_MB"), CultureInfo.InvariantCulture, out var megabytes) ? megabytes : 48);
        var texts = File.ReadLines(_folder["files", "messages_multi_turn.jsonl"]).ToList();
        using var file = new StreamWriter(_folder["files", name]);
        for (var row = 0; file.BaseStream.Position < bytes; row++)
            file.WriteLine(texts[row % texts.Count].Replace("example", $"example {row},", StringComparison.Ordinal));
    }

    /// <summary>The part of the file that was read, by the last line of progress: "large.jsonl: 12.5 MB of 48.0 MB, ...".</summary>
    private static double Share(string errors)
        => ProgressLine().Matches(errors) is [.., var last] ? Number(last.Groups["read"]) / Number(last.Groups["whole"]) : 0;

    private static double Number(Group digits) => double.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?<read>[\d.]+) MB of (?<whole>[\d.]+) MB", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex ProgressLine();

    private IEnumerable<string?> Shards(string output) => Directory.GetFiles(_folder[output, ".orchestrator", "data"], "*.blob").Select(Path.GetFileName);

    private string Job(string model, string file) =>
        _folder.Write("job.yaml", $"model: models/{model}\ndata: {{train: '{Path.Combine("files", file)}'}}\noutput: out\n");

    private static string Row(string line)
    {
        using var document = JsonDocument.Parse(line);
        return $"{document.RootElement.GetProperty("input_ids").GetRawText()} {document.RootElement.GetProperty("labels").GetRawText()}";
    }
}
