using System.Text.Json;
using Orchestrator.Coordinator.Tests.Datasets;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary><c>prepare --json</c> against TRL's own preparation of the same files: every id and label.</summary>
public sealed class PrepareGoldenTests : IDisposable
{
    private static readonly Dictionary<string, string> Files = new(StringComparer.Ordinal)
    {
        ["messages"] = "messages.jsonl",
        ["messages_multi_turn"] = "messages_multi_turn.jsonl",
        ["prompt_completion"] = "prompt_completion.jsonl",
        ["prompt_completion_chat"] = "prompt_completion_chat.jsonl",
        ["text"] = "text.jsonl",
        ["sharegpt"] = "sharegpt.jsonl",
        ["multi_turn_20"] = "messages_multi_turn.jsonl",
    };

    private readonly PrepareProgram _program = new();

    public static TheoryData<string, string> Runs
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var model in new[] { "llama3", "qwen2_chatml" })
            {
                foreach (var run in Summary(model).EnumerateObject())
                {
                    data.Add(model, run.Name);
                }
            }

            return data;
        }
    }

    public void Dispose() => _program.Dispose();

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task Prepare_GoldenDataset_GivesTheReferencesIdsAndLabels(string model, string run)
    {
        var facts = Summary(model).GetProperty(run);
        var arguments = facts.GetProperty("arguments");
        var result = await _program.RunAsync(GoldenDatasets.Model(model), Data(facts.GetProperty("shape").GetString()!, arguments), "--json", "--clock", "2026-02-03T04:05:06");
        Assert.True(result.Code == 0, result.Messages);
        var expected = Expected(model, run, arguments.TryGetProperty("packing", out _));
        var samples = result.Samples;
        Assert.Equal(expected.Count, samples.Count);
        if (arguments.TryGetProperty("packing", out _))
        {
            // Our bins are made when the steps are planned; the samples in them are the same.
            Assert.Equal(expected.Select(Key).Order(StringComparer.Ordinal), samples.Select(sample => Key((sample.InputIds, sample.Labels))).Order(StringComparer.Ordinal));
            return;
        }

        Assert.All(Enumerable.Range(0, expected.Count), i =>
        {
            Assert.Equal(expected[i].InputIds, samples[i].InputIds);
            Assert.Equal(expected[i].Labels, samples[i].Labels);
        });
    }

    [Fact]
    public void Runs_OfTheFixture_AreAllOfThem() => Assert.Equal(24, Runs.Count);

    [Theory]
    [InlineData("alpaca.jsonl", "alpaca.json")]
    [InlineData("messages.jsonl", "messages.json")]
    [InlineData("sharegpt.jsonl", "sharegpt.json")]
    public async Task Prepare_JsonArray_IsTheSameAsJsonLines(string lines, string array)
    {
        var first = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = GoldenDatasets.At("files", lines) }, "--json");
        var second = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = GoldenDatasets.At("files", array) }, "--json");
        Assert.Equal((0, 0), (first.Code, second.Code));
        Assert.Equal(40, first.Samples.Count);
        Assert.Equal(first.Results, second.Results);
    }

    [Fact]
    public async Task Prepare_OtherFieldNames_AreMapped()
    {
        var mapped = await _program.RunAsync(
            GoldenDatasets.Model("llama3"),
            new { train = GoldenDatasets.At("files", "gsm8k.jsonl"), fields = new { prompt = "question", completion = "answer" } }, "--json");
        Assert.True(mapped.Code == 0, mapped.Messages);
        Assert.Equal("Name the capital of France.Paris.<|eot_id|>", mapped.Samples[0].Text);
        Assert.Contains("prompt_completion (data.format auto: its first row has 'question' and 'answer')", mapped.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_Alpaca_IsAChatWhereTheModelHasATemplate()
    {
        var alpaca = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = GoldenDatasets.At("files", "alpaca.jsonl") }, "--json");
        Assert.Equal("<|im_start|>user\nTranslate into German.\n\nThe weather is nice today.<|im_end|>\n<|im_start|>assistant\nDas Wetter ist heute schön.<|im_end|>\n", alpaca.Samples[1].Text);
        // Completion loss, as TRL has it: with the line break after the end of the turn.
        Assert.Equal(198, alpaca.Samples[1].Labels[^1]);
    }

    private static object Data(string shape, JsonElement arguments)
    {
        var lossOn = arguments.TryGetProperty("assistant_only_loss", out _) ? "assistant"
            : arguments.TryGetProperty("completion_only_loss", out var completion) && completion.GetBoolean() ? "completion" : "all";
        var keptEnd = arguments.TryGetProperty("truncation_mode", out var mode) && mode.GetString() == "keep_end";
        return new
        {
            train = shape == "multi_turn_20" ? FirstRows(Files[shape], 20) : GoldenDatasets.At("files", Files[shape]),
            loss_on = lossOn,
            max_length = arguments.TryGetProperty("max_length", out var length) ? length.GetInt32() : 2048,
            truncation = keptEnd ? "left" : "right",
        };
    }

    private static string FirstRows(string file, int rows)
    {
        var path = GoldenDatasets.At("files", $"first-{rows}-{Guid.NewGuid():N}.jsonl");
        File.WriteAllLines(path, File.ReadLines(GoldenDatasets.At("files", file)).Take(rows));
        return path;
    }

    private static List<(int[] InputIds, int[] Labels)> Expected(string model, string run, bool isPacked)
    {
        var expected = new List<(int[] InputIds, int[] Labels)>();
        foreach (var line in File.ReadLines(GoldenDatasets.At($"sft_{model}", $"{run}.jsonl")))
        {
            using var document = JsonDocument.Parse(line);
            var (ids, labels) = (PrepareResult.Ids(document.RootElement, "input_ids"), PrepareResult.Ids(document.RootElement, "labels"));
            var at = 0;
            foreach (var length in isPacked ? PrepareResult.Ids(document.RootElement, "seq_lengths") : [ids.Length])
            {
                expected.Add((ids[at..(at + length)], labels[at..(at + length)]));
                at += length;
            }
        }

        return expected;
    }

    private static string Key((int[] InputIds, int[] Labels) sample) => $"{string.Join(',', sample.InputIds)};{string.Join(',', sample.Labels)}";

    private static JsonElement Summary(string model) => JsonDocument.Parse(File.ReadAllText(GoldenDatasets.At($"sft_{model}", "summary.json"))).RootElement;
}
