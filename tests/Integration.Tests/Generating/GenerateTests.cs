using System.Text.Json;
using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Integration.Tests.Scoring;

namespace Orchestrator.Integration.Tests.Generating;

/// <summary><c>generate</c> through a real worker.</summary>
public sealed class GenerateTests
{
    private const string Order = "Hello, can we get 113 pallets of phone cases? Deliver to Hanoi, date July 5, 2022.";

    /// <summary>What several tests compare with, asked once.</summary>
    private static readonly Lazy<JsonElement> Asked = new(() => Assert.Single(Generation.Generate("--model", Generation.Sample, "--prompt", Order, "--max-new-tokens", "24")));

    [Theory]
    [InlineData("llama")]
    [InlineData("llama3")]
    [InlineData("tinyllama-linear")]
    public void Generate_GoldenModel_GivesTheReferencesTokens(string model)
    {
        string folder = Repository.Fixture("models", model);
        int[] prompt = GoldenIds(folder, "input_ids_0");
        int[] all = GoldenIds(folder, "greedy_0");
        var answer = Assert.Single(Generation.Generate("--model", folder, "--prompt-ids", string.Join(',', prompt), "--max-new-tokens", "6"));
        Assert.Equal(all[prompt.Length..], Generation.Ids(answer));
        Assert.Equal(prompt, Generation.Ids(answer, "prompt_ids"));
        Assert.Equal("length", Generation.Reason(answer));
    }

    /// <summary>The most likely next token of the reference's logits, with the adapter, on both kinds of base.</summary>
    [Theory]
    [InlineData("none", "logits_16bit")]
    [InlineData("nf4", "logits_nf4_double")]
    public void Generate_GoldenAdapter_GivesTheReferencesNextToken(string quantization, string logits)
    {
        string adapter = Repository.Fixture("adapters", "llama3-all-linear");
        string expected = Path.Combine(adapter, "expected.safetensors");
        long[] ids = GoldenTensors.Ids(expected, "input_ids");
        int length = GoldenTensors.Ids(expected, "attention_mask")[..14].Count(mask => mask == 1);
        float[] all = RunOutput.Tensors(expected)[logits];
        var last = all.AsSpan((length - 1) * 256, 256).ToArray();
        var answer = Assert.Single(Generation.Generate("--model", Repository.Fixture("models", "llama3"), "--adapter", adapter, "--quantization", quantization,
            "--prompt-ids", string.Join(' ', ids[..length]), "--max-new-tokens", "1"));
        Assert.Equal([Array.IndexOf(last, last.Max())], Generation.Ids(answer));
    }

    [Fact]
    public void Generate_Prompt_IsAUsersMessageAndRawIsText()
    {
        var asked = Asked.Value;
        // The second row of the tokenized sample asks the same.
        var row = JsonDocument.Parse(Repository.SampleTokens("orders-eval-tokens").ElementAt(1)).RootElement;
        int question = row.GetProperty("labels").EnumerateArray().TakeWhile(label => label.GetInt32() == -100).Count();
        Assert.Equal(row.GetProperty("input_ids").EnumerateArray().Take(question).Select(id => id.GetInt32()), Generation.Ids(asked, "prompt_ids"));
        Assert.NotEmpty(Generation.Text(asked));

        var raw = Assert.Single(Generation.Generate("--model", Generation.Sample, "--prompt", Order, "--raw", "--max-new-tokens", "24"));
        Assert.True(Generation.Ids(raw, "prompt_ids").Length < question);
        Assert.NotEqual(Generation.Text(asked), Generation.Text(raw));
    }

    [Fact]
    public void Generate_ForPeople_StreamsTheTextAndSaysWhyItEnded()
    {
        var result = OrchestratorProcess.Run("generate", "--model", Generation.Sample, "--compute-dtype", "float32", "--prompt", Order, "--max-new-tokens", "24");
        var asked = Asked.Value;
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(Generation.Text(asked) + "\n", result.Output);
        Assert.Matches(@"^\[ended by length: 24 tokens, [\d.,]+ tokens/s\]\n$", result.Errors);
    }

    [Fact]
    public void Generate_AStopString_EndsTheTextBeforeIt()
    {
        string[] arguments = ["--model", Generation.Sample, "--prompt", Order, "--max-new-tokens", "24"];
        string whole = Generation.Text(Asked.Value);
        string stop = whole[7..12];
        var stopped = Assert.Single(Generation.Generate([.. arguments, "--stop", "never said", "--stop", stop]));
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], Generation.Text(stopped));
        Assert.Equal("stop_string", Generation.Reason(stopped));
    }

    [Fact]
    public void Generate_Sampling_IsRepeatedByItsSeedAlone()
    {
        string[] arguments = ["--model", Generation.Sample, "--prompt", Order, "--max-new-tokens", "24", "--temperature", "1.2", "--top-p", "0.9"];
        var free = Assert.Single(Generation.Generate(arguments));
        string seed = free.GetProperty("seed").GetRawText();
        var again = Assert.Single(Generation.Generate([.. arguments, "--seed", seed]));
        var other = Assert.Single(Generation.Generate([.. arguments, "--seed", $"{ulong.Parse(seed) + 1}"]));
        Assert.Equal(Generation.Text(free), Generation.Text(again));
        Assert.NotEqual(Generation.Text(free), Generation.Text(other));
    }

    /// <summary>Several conversations are answered together, each as if alone; a chat sends what was said before.</summary>
    [Fact]
    public void Generate_ConversationsAndChats_GiveTheAnswersOfTheirPrompts()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = ["--model", Generation.Sample, "--max-new-tokens", "12"];
        var chat = Generation.Chat("One tree.\n\nWhat then?\n/clear\nOne tree.\n/bye\nnot heard\n", arguments);
        Assert.Equal(3, chat.Count);
        Assert.Equal(chat[0].GetRawText(), chat[2].GetRawText());

        string first = JsonSerializer.Serialize(new[] { Message("user", "One tree.") });
        string second = JsonSerializer.Serialize(new[] { Message("user", "One tree."), Message("assistant", Generation.Text(chat[0])), Message("user", "What then?") });
        string lines = folder.Write("chats.jsonl", $"{{\"messages\": {first}}}\n{{\"messages\": {second}}}\n");
        var answers = Generation.Generate([.. arguments, "--messages", lines]);
        Assert.Equal(chat.Take(2).Select(answer => answer.GetRawText()), answers.Select(answer => answer.GetRawText()));

        string list = folder.Write("chat.json", second);
        Assert.Equal(chat[1].GetRawText(), Assert.Single(Generation.Generate([.. arguments, "--messages", list])).GetRawText());
    }

    private static Dictionary<string, string> Message(string role, string content) => new(StringComparer.Ordinal) { ["role"] = role, ["content"] = content };

    private static int[] GoldenIds(string folder, string name) => [.. GoldenTensors.Ids(Path.Combine(folder, "expected.safetensors"), name).Select(id => (int)id)];
}
