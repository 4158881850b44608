using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Scoring;

/// <summary><c>score</c> against the reference's losses, through a real worker.</summary>
public sealed class ScoreTests
{
    [Theory]
    [InlineData("llama", "none", null, "logits")]
    [InlineData("llama", "nf4", null, "logits_nf4_double")]
    [InlineData("llama", "nf4", "quantization.double_quant=false", "logits_nf4")]
    [InlineData("llama3", "none", null, "logits")]
    [InlineData("llama3", "nf4", null, "logits_nf4_double")]
    [InlineData("llama3", "nf4", "quantization.double_quant=false", "logits_nf4")]
    [InlineData("tinyllama-linear", "none", null, "logits")]
    [InlineData("tinyllama-linear", "nf4", null, "logits_nf4_double")]
    [InlineData("tinyllama-linear", "nf4", "quantization.double_quant=false", "logits_nf4")]
    public void Score_GoldenModel_EqualsTheReferencesLogProbabilities(string model, string quantization, string? set, string logits)
    {
        using var folder = new TemporaryFolder();
        string expectedFile = Path.Combine(Repository.Fixture("models", model), "expected.safetensors");
        var logitsByName = RunOutput.Tensors(expectedFile);
        var samples = Enumerable.Range(0, 2).Select(i => (Ids: GoldenTensors.Ids(expectedFile, $"input_ids_{i}"), Logits: logitsByName[$"{logits}_{i}"])).ToList();
        if (quantization == "none")
        {
            samples.AddRange(PackedRow(expectedFile, logitsByName));
        }

        double[][] expected = [.. samples.Select(sample => GoldenTensors.LogProbabilities(sample.Logits, sample.Ids))];
        string data = Write(folder, [.. samples.Select(sample => sample.Ids)]);
        string[] arguments = ["--model", Repository.Fixture("models", model), "--quantization", quantization, "--compute-dtype", "float32", "--data", data, .. set is null ? Array.Empty<string>() : ["--set", set]];
        foreach (var lines in ScoreEach([.. arguments, "--set", "data.packing=true"], [.. arguments, "--set", "data.packing=false"]))
        {
            Assert.Equal(samples.Count + 1, lines.Count);
            for (int sample = 0; sample < samples.Count; sample++)
            {
                Compare(lines[sample], sample, expected[sample]);
            }

            double[] all = [.. expected.SelectMany(values => values)];
            Assert.Equal(all.Length, lines[^1].GetProperty("label_tokens").GetInt32());
            Near(-all.Average(), lines[^1].GetProperty("mean_loss").GetDouble());
            Near(Math.Exp(-all.Average()), lines[^1].GetProperty("perplexity").GetDouble(), 1e-3);
        }
    }

    [Theory]
    [InlineData("llama3-all-linear")]
    [InlineData("llama3-exclude")]
    [InlineData("llama3-layers")]
    [InlineData("llama3-list")]
    [InlineData("llama3-patterns")]
    [InlineData("llama3-regex")]
    [InlineData("llama3-rslora")]
    public void Score_GoldenAdapter_EqualsTheReferencesLosses(string adapter)
    {
        using var folder = new TemporaryFolder();
        string golden = Repository.Fixture("adapters", adapter);
        string expected = Path.Combine(golden, "expected.safetensors");
        long[] ids = GoldenTensors.Ids(expected, "input_ids");
        long[] mask = GoldenTensors.Ids(expected, "attention_mask");
        long[] labels = GoldenTensors.Ids(expected, "labels");
        var rows = Enumerable.Range(0, 2).Select(row => Enumerable.Range(row * 14, 14).Where(i => mask[i] == 1).ToArray()).ToList();
        string data = folder.Write("data.jsonl", string.Concat(rows.Select(row => JsonSerializer.Serialize(new Dictionary<string, long[]>(StringComparer.Ordinal)
        {
            ["input_ids"] = [.. row.Select(i => ids[i])],
            ["labels"] = [.. row.Select(i => labels[i])],
        }) + "\n")));
        var facts = JsonDocument.Parse(File.ReadAllText(Path.Combine(golden, "facts.json"))).RootElement.GetProperty("facts");
        string[] arguments = ["--model", Repository.Fixture("models", "llama3"), "--adapter", golden, "--compute-dtype", "float32", "--data", data];
        var allLogits = RunOutput.Tensors(expected);
        // In 16 bits alone, in 4 bits packed: how the one or the other is read or computed is the same for both.
        (string Weights, string[] Arguments)[] runs =
        [
            ("16bit", [.. arguments, "--quantization", "none", "--set", "data.packing=false"]),
            ("nf4_double", [.. arguments, "--quantization", "nf4", "--set", "data.packing=true"]),
        ];
        foreach (var (weights, lines) in runs.Select(run => run.Weights).Zip(ScoreEach([.. runs.Select(run => run.Arguments)])))
        {
            var logits = allLogits[$"logits_{weights}"];
            int vocabulary = logits.Length / mask.Length;
            double[][] samples = [.. rows.Select(row =>
            {
                var logprobs = GoldenTensors.LogProbabilities([.. row.SelectMany(i => logits[(i * vocabulary)..((i + 1) * vocabulary)])], [.. row.Select(i => ids[i])]);
                return logprobs.Where((_, position) => labels[row[position + 1]] != -100).ToArray();
            })];
            Assert.Equal(3, lines.Count);
            Compare(lines[0], 0, samples[0]);
            Compare(lines[1], 1, samples[1]);
            int tokens = facts.GetProperty("label_tokens").GetInt32();
            Assert.Equal(tokens, lines[2].GetProperty("label_tokens").GetInt32());
            Near(facts.GetProperty($"summed_cross_entropy_{weights}").GetDouble(), lines[2].GetProperty("mean_loss").GetDouble() * tokens);
        }
    }

    /// <summary>Three sequences that the reference had in one row: each must be as if it were alone.</summary>
    private static IEnumerable<(long[] Ids, float[] Logits)> PackedRow(string expectedFile, IReadOnlyDictionary<string, float[]> logits)
    {
        long[] row = GoldenTensors.Ids(expectedFile, "packed_input_ids");
        long[] positions = GoldenTensors.Ids(expectedFile, "packed_position_ids");
        int[] starts = [.. Enumerable.Range(0, row.Length).Where(i => positions[i] == 0), row.Length];
        Assert.Equal(4, starts.Length);
        return starts.Zip(starts.Skip(1), (from, to) => row[from..to]).Select((ids, k) => (ids, logits[$"packed_separate_logits_{k}"]));
    }

    private static string Write(TemporaryFolder folder, long[][] samples) =>
        folder.Write("data.jsonl", string.Concat(samples.Select(ids => $"{{\"input_ids\": [{string.Join(", ", ids)}], \"labels\": [{string.Join(", ", ids)}]}}\n")));

    /// <summary>The lines of several commands, which run side by side: most of their time is a start.</summary>
    private static List<IReadOnlyList<JsonElement>> ScoreEach(params string[][] commands)
    {
        var running = commands.Select(arguments => OrchestratorProcess.Start(["score", .. arguments, "--json"])).ToList();
        try
        {
            return [.. running.Select(process => LinesOf(process.Finish()))];
        }
        finally
        {
            running.ForEach(process => process.Dispose());
        }
    }

    private static IReadOnlyList<JsonElement> LinesOf(RunResult result)
    {
        Assert.True(result.ExitCode == 0, result.ToString());
        return result.JsonLines;
    }

    private static void Compare(JsonElement line, int sample, double[] expected)
    {
        Assert.Equal(sample, line.GetProperty("index").GetInt32());
        Assert.Equal(expected.Length, line.GetProperty("label_tokens").GetInt32());
        double[] actual = [.. line.GetProperty("logprobs").EnumerateArray().Select(value => value.GetDouble())];
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual, (a, b) => Math.Abs(a - b)), difference => Assert.InRange(difference, 0, 2e-4));
        Near(-expected.Average(), line.GetProperty("loss").GetDouble());
    }

    private static void Near(double expected, double actual, double tolerance = 1e-5) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Abs(expected), $"{actual}, expected {expected}");
}
