using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Generating;

/// <summary><c>evaluate</c> through a real worker.</summary>
public sealed class EvaluateTests
{
    private static readonly string[] Questions = ["One tree.", "What is the time?", "Deliver 3 pallets to Hanoi.", "Two men.", "Say it again.", "The end.", "No.", "Why?", "Who is there?", "It rains."];

    [Fact]
    public void Evaluate_AnswersThatTheModelGives_MatchAndOthersDoNot()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["--model", Generation.Sample, "--quantization", "nf4", "--max-new-tokens", "10"];
        string asked = folder.Write("asked.jsonl", string.Concat(Questions.Select(question => Row(question, null))));
        var answers = Generation.Generate([.. arguments, "--messages", asked]);
        // Every third answer is expected wrong; white space around the others counts for nothing.
        string data = folder.Write("data.jsonl", string.Concat(Questions.Select((question, i) => Row(question, i % 3 == 0 ? "something else" : $"\n {Generation.Text(answers[i])} \n"))));
        var lines = Generation.Evaluate([.. arguments, "--data", data]);
        Assert.Equal(Questions.Length + 1, lines.Count);
        for (int i = 0; i < Questions.Length; i++)
        {
            Assert.Equal(i, lines[i].GetProperty("index").GetInt32());
            Assert.Equal(Generation.Text(answers[i]).Trim(), lines[i].GetProperty("answer").GetString());
            Assert.Equal(i % 3 == 0 ? "something else" : Generation.Text(answers[i]).Trim(), lines[i].GetProperty("expected").GetString());
            Assert.Equal(i % 3 != 0, lines[i].GetProperty("match").GetBoolean());
            Assert.Equal("length", Generation.Reason(lines[i]));
        }

        Assert.Equal("""{"rate":0.6,"samples":10,"matches":6,"finish_reasons":{"length":10}}""", lines[^1].GetRawText());
    }

    /// <summary>A token of the model's own answer made a stop token: answers end there, and for that reason.</summary>
    [Fact]
    public void Evaluate_AStopTokenOfTheFolder_EndsAnswersAndIsSaid()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Copy(Generation.Sample, "model");
        string[] arguments = ["--model", model, "--max-new-tokens", "10"];
        var free = Assert.Single(Generation.Generate([.. arguments, "--prompt", "One tree."]));
        int stop = Generation.Ids(free)[4];
        int at = Array.IndexOf(Generation.Ids(free), stop);
        File.WriteAllText(Path.Combine(model, "generation_config.json"), $"{{\"eos_token_id\": [2047, {stop}]}}");
        var stopped = Assert.Single(Generation.Generate([.. arguments, "--prompt", "One tree."]));
        Assert.Equal(Generation.Ids(free)[..(at + 1)], Generation.Ids(stopped));
        Assert.Equal("stop_token", Generation.Reason(stopped));

        var result = OrchestratorProcess.Run(["evaluate", "--compute-dtype", "float32", .. arguments, "--data", folder.Write("data.jsonl", Row("One tree.", Generation.Text(stopped)) + Row("What is the time?", "noon"))]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.StartsWith("rate 0.5: 1 of 2 answers match (exact)\nended by stop token: ", result.Output, StringComparison.Ordinal);
        Assert.Contains("\nmiss 1, ended by ", result.Output, StringComparison.Ordinal);
    }

    /// <summary>Rows of tokens and of text ask the same questions and expect the same answers.</summary>
    [Fact]
    public void Evaluate_TheSamplesTokens_EqualItsMessages()
    {
        using var folder = new TemporaryFolder();
        string[] rows = [.. Repository.SampleTokens("orders-eval-tokens").Take(12)];
        var tokens = Generation.Evaluate("--model", Generation.Sample, "--max-new-tokens", "8", "--match", "json", "--data", folder.Write("tokens.jsonl", string.Join('\n', rows)));
        Assert.Equal(rows.Length + 1, tokens.Count);
        Assert.All(tokens.Take(rows.Length), line => Assert.NotNull(JsonDocument.Parse(line.GetProperty("expected").GetString()!).RootElement.GetProperty("item").GetString()));
        Assert.Equal(0, tokens[^1].GetProperty("rate").GetDouble());
        const string Order = "Hello, can we get 113 pallets of phone cases? Deliver to Hanoi, date July 5, 2022.";
        var messages = Generation.Evaluate("--model", Generation.Sample, "--max-new-tokens", "8", "--data", folder.Write("messages.jsonl", Row(Order, tokens[1].GetProperty("expected").GetString())));
        Assert.Equal(tokens[1].GetProperty("answer").GetString(), messages[0].GetProperty("answer").GetString());
    }

    private static string Row(string question, string? answer)
    {
        List<Dictionary<string, string>> messages = [new(StringComparer.Ordinal) { ["role"] = "user", ["content"] = question }];
        if (answer is not null)
        {
            messages.Add(new(StringComparer.Ordinal) { ["role"] = "assistant", ["content"] = answer });
        }

        return JsonSerializer.Serialize(new Dictionary<string, object>(StringComparer.Ordinal) { ["messages"] = messages }) + "\n";
    }
}
