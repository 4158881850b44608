using System.Text.Json;
using Orchestrator.Coordinator.Tests.Datasets;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>Every broken file of the golden table: its outcome, the exit code, the place that is named, and nothing written where it is an error.</summary>
public sealed class PrepareMalformedTests : IDisposable
{
    /// <summary>What the answer must say, by file; files that are not here are formats that are refused by name.</summary>
    private static readonly Dictionary<string, string[]> Answers = new(StringComparer.Ordinal)
    {
        ["bad_json_line.jsonl"] = ["bad_json_line.jsonl, line 17: it is not valid JSON: it ends early"],
        ["bom.jsonl"] = ["24 rows of the format prompt_completion"],
        ["crlf.jsonl"] = ["24 rows of the format prompt_completion"],
        ["blank_lines.jsonl"] = ["24 rows of the format prompt_completion"],
        ["no_final_newline.jsonl"] = ["24 rows of the format prompt_completion"],
        ["missing_field.jsonl"] = ["missing_field.jsonl, line 9: the field 'completion' is missing"],
        ["wrong_type.jsonl"] = ["wrong_type.jsonl, line 5: the field 'completion' is a number; a text is expected"],
        ["null_field.jsonl"] = ["null_field.jsonl, line 6: the field 'completion' is null"],
        ["array_line.jsonl"] = ["array_line.jsonl, line 3: the row is a list where an object is expected"],
        ["empty.jsonl"] = ["empty.jsonl holds no record"],
        ["only_blank.jsonl"] = ["only_blank.jsonl holds no record"],
        ["empty_completion.jsonl"] = ["warning [empty-answer] empty_completion.jsonl, line 12, line 14: the completion is empty, so only the end token is learned"],
        ["empty_both.jsonl"] = ["warning [empty-row] empty_both.jsonl, line 12: the row has no text at all"],
        ["invalid_utf8.jsonl"] = ["invalid_utf8.jsonl, line 8: it is not valid UTF-8: byte 0xe9 at byte 16 of the line (byte offset "],
        ["utf16.jsonl"] = ["utf16.jsonl looks like UTF-16, and UTF-8 is needed"],
        ["long_line.jsonl"] = ["24 rows of the format prompt_completion", "1 of 24 rows are left out, for they are longer than data.max_length = 2048; the longest, long_line.jsonl, line 4, has"],
        ["duplicate_keys.jsonl"] = ["warning [duplicate-key] duplicate_keys.jsonl, line 2: the field 'prompt' stands twice; its last value is used"],
        ["nan.jsonl"] = ["nan.jsonl, line 2: it is not valid JSON: NaN and Infinity are not JSON"],
        ["lone_surrogate.jsonl"] = ["warning [lone-surrogate] lone_surrogate.jsonl, line 2: half of a surrogate pair"],
        ["escapes.jsonl"] = ["1 row of the format prompt_completion"],
        ["deep.jsonl"] = ["deep.jsonl, line 1: it is not valid JSON: it is nested too deeply"],
        ["two_objects_on_a_line.jsonl"] = ["two_objects_on_a_line.jsonl, line 1: it is not valid JSON: there is text after the JSON object"],
        ["trailing_comma.json"] = ["trailing_comma.json, line 24, column ", "the comma before ] is one too many"],
        ["truncated.json"] = ["truncated.json, line 24", "the file ends inside the record"],
        ["object_not_array.json"] = ["warning [object-instead-of-array] object_not_array.json, line 1: the file is one object where an array of records is expected"],
        ["jsonl_named.json"] = ["warning [json-lines-in-json] jsonl_named.json, line 1: the file is named .json but is JSON Lines", "24 rows"],
        ["unknown_roles.jsonl"] = ["line 1: message 1 has the role 'human', a sharegpt name of user", "line 2: message 2 has the role 'critic', which is not known"],
        ["no_assistant.jsonl"] = ["[no-label-token] data.train has no label token at all in any of its 3 rows"],
        ["empty_messages.jsonl"] = ["empty_messages.jsonl, line 1: the row has no messages"],
    };

    private readonly PrepareProgram _program = new();

    public static TheoryData<string, string> Table
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var row in JsonDocument.Parse(File.ReadAllText(GoldenDatasets.At("malformed", "malformed.json"))).RootElement.EnumerateArray())
            {
                data.Add(row.GetProperty("file").GetString()!, row.GetProperty("outcome").GetString()!);
            }

            return data;
        }
    }

    public void Dispose() => _program.Dispose();

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Prepare_MalformedFile_HasTheOutcomeOfItsTable(string file, string outcome)
    {
        var result = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = GoldenDatasets.At("malformed", file) }, "--json");
        if (!Answers.TryGetValue(file, out var answers))
        {
            Assert.Equal("error", outcome);
            answers = ["is not built yet; give JSON Lines (.jsonl) or a JSON array (.json)"];
        }

        Assert.All(answers, answer => Assert.Contains(answer, result.Messages, StringComparison.Ordinal));
        if (outcome == "error")
        {
            Assert.Equal(2, result.Code);
            Assert.Empty(result.Results);
            Assert.StartsWith("error: ", result.Messages, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_program.Output), "something was written");
        }
        else
        {
            Assert.True(result.Code == 0, result.Messages);
            Assert.NotEmpty(result.Samples);
        }
    }

    /// <summary>Wrong rows far apart are in different hands: the first is said, whichever is found first.</summary>
    [Fact]
    public async Task Prepare_WrongRowsFarApart_NamesTheFirst()
    {
        var rows = Enumerable.Range(1, 5000).Select(line => line is 3 or 1500 or 3000 or 4500 ? "{\"text\": 1}" : "{\"text\": \"a\"}");
        var file = _program.Write("rows.jsonl", string.Join('\n', rows));
        var result = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = file, format = "text" }, "--json");
        Assert.Equal(2, result.Code);
        Assert.Contains("rows.jsonl, line 3", result.Messages, StringComparison.Ordinal);
        Assert.DoesNotContain("line 1500", result.Messages, StringComparison.Ordinal);
        Assert.DoesNotContain("line 4500", result.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_Escapes_AreTheCharactersTheyMean()
    {
        var result = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = GoldenDatasets.At("malformed", "escapes.jsonl") }, "--json");
        Assert.Equal("é\U0001F600\n\t\"\\/\0 nul<|im_end|>", Assert.Single(result.Samples).Text);
    }

    [Fact]
    public async Task Prepare_DuplicateKey_UsesTheLastValue()
    {
        var result = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = GoldenDatasets.At("malformed", "duplicate_keys.jsonl") }, "--json");
        Assert.Equal("bc<|im_end|>", result.Samples[1].Text);
    }
}
