using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Integration.Tests.Refusals;

namespace Orchestrator.Integration.Tests.Generating;

/// <summary>What <c>generate</c>, <c>evaluate</c> and <c>score</c> refuse: one sentence, exit code 2, no worker started, nothing left.</summary>
public sealed class WrongRequestTests
{
    private static readonly string[] Ask = ["generate", "--model", "{model}", "--prompt", "x"];
    private static readonly string[] Bare = ["generate", "--model", "{model}"];
    private static readonly string[] Check = ["evaluate", "--model", "{model}", "--data", "{data}"];
    private static readonly string[] Score = ["score", "--model", "{model}", "--data", "{data}"];
    private static readonly string[] Golden = ["generate", "--model", "{golden}"];

    public static TheoryData<string> Names => [.. Cases.Keys];

    private static Dictionary<string, (string[] Arguments, string Data, string Sentence)> Cases { get; } = new(StringComparer.Ordinal)
    {
        ["two prompts"] = ([.. Ask, "--prompt-ids", "1"], "", "Only one of --prompt, --messages and --prompt-ids"),
        ["raw without a prompt"] = ([.. Bare, "--prompt-ids", "1", "--raw"], "", "no --prompt"),
        ["no length"] = ([.. Ask, "--max-new-tokens", "0"], "", "--max-new-tokens is 0"),
        ["negative temperature"] = ([.. Ask, "--temperature", "-0.5"], "", "--temperature is -0.5"),
        ["no temperature"] = ([.. Ask, "--temperature", "NaN"], "", "--temperature is NaN"),
        ["top-p above 1"] = ([.. Ask, "--top-p", "1.5"], "", "--top-p is 1.5"),
        ["top-p 0"] = ([.. Ask, "--top-p", "0"], "", "--top-p is 0"),
        ["negative seed"] = ([.. Ask, "--temperature", "1", "--seed", "-1"], "", "--seed is -1"),
        ["empty stop"] = ([.. Ask, "--stop", ""], "", "--stop is empty"),
        ["empty prompt"] = ([.. Bare, "--prompt-ids", ""], "", "no tokens"),
        ["no id"] = ([.. Bare, "--prompt-ids", "1,x"], "", "'x'"),
        ["id beyond the vocabulary"] = ([.. Bare, "--prompt-ids", "1,2048"], "", "token 2048.*2047"),
        ["prompt too long"] = ([.. Bare, "--prompt-ids", string.Join(',', Enumerable.Repeat(5, 1024))], "", "1024 tokens.*at most 1024"),
        ["no tokenizer"] = ([.. Golden, "--prompt", "x"], "", "has no tokenizer\\.json.*--prompt-ids"),
        ["chat without tokenizer"] = (Golden, "", "has no tokenizer\\.json"),
        ["stop without tokenizer"] = ([.. Golden, "--prompt-ids", "1", "--stop", "x"], "", "--stop needs a tokenizer"),
        ["no such messages"] = ([.. Bare, "--messages", "{data}.not"], "", "does not exist"),
        ["messages without messages"] = ([.. Bare, "--messages", "{data}"], "", "no messages"),
        ["messages that are none"] = ([.. Bare, "--messages", "{data}"], "{\"prompt\": \"a\", \"completion\": \"b\"}\n", "data\\.jsonl, line 1.*messages"),
        ["unknown role"] = ([.. Bare, "--messages", "{data}"], "{\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]}\n", "data\\.jsonl, line 1.*robot"),
        ["both kinds of messages"] = ([.. Bare, "--messages", "{data}"], "{\"role\": \"user\", \"content\": \"x\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n", "data\\.jsonl, line 2.*one file"),
        ["foreign setting"] = ([.. Ask, "--set", "training.epochs=1"], "", "--set training\\.epochs"),
        ["no such adapter"] = ([.. Ask, "--adapter", "{data}.not"], "", "does not exist.*adapter"),
        ["no data"] = (Check, "", "data\\.jsonl has no rows"),
        ["no answer"] = (Check, "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}\n", "data\\.jsonl, line 1.*no message is the assistant's"),
        ["no question"] = (Check, "{\"messages\": [{\"role\": \"assistant\", \"content\": \"x\"}]}\n", "data\\.jsonl, line 1.*no message before"),
        ["plain text"] = (Check, "{\"text\": \"x\"}\n", "data\\.jsonl, line 1.*plain text"),
        ["broken row"] = (Check, "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": \"y\"}]}\n{\"messages\": [\n", "data\\.jsonl, line 2.*JSON"),
        ["tokens without labels"] = (Check, "{\"input_ids\": [1, 2], \"labels\": [-100, -100]}\n", "data\\.jsonl, line 1.*no label"),
        ["no data to score"] = (["score", "--model", "{model}", "--data", "{data}.not"], "", "data\\.jsonl\\.not.*does not exist"),
        ["no rows to score"] = (Score, "", "data\\.jsonl holds no record"),
        ["broken row to score"] = (Score, "{\"text\": \"x\"}\n{\"text\": \n", "data\\.jsonl, line 2.*JSON"),
        ["row of another kind to score"] = (Score, "{\"input_ids\": [1, 2], \"labels\": [1]}\n", "data\\.jsonl, line 1.*labels"),
        ["token beyond the vocabulary to score"] = (Score, "{\"input_ids\": [1, 2048], \"labels\": [1, 2048]}\n", "data\\.jsonl, line 1.*2048"),
        ["no adapter to score"] = ([.. Score, "--adapter", "{data}.not"], "{\"text\": \"x\"}\n", "does not exist.*adapter"),
        ["adapter of another model to score"] = ([.. Score, "--adapter", "{adapter}"], "{\"text\": \"x\"}\n", "the adapter is of another model"),
        ["no model to score"] = (["score", "--model", "{data}.not", "--data", "{data}"], "{\"text\": \"x\"}\n", "data\\.jsonl\\.not"),
        ["foreign setting to score"] = ([.. Score, "--set", "training.epochs=1"], "{\"text\": \"x\"}\n", "--set training\\.epochs"),
        ["no length to evaluate"] = ([.. Check, "--max-new-tokens", "0"], "{\"text\": \"x\"}\n", "--max-new-tokens is 0"),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Command_WrongRequest_EndsWithOneSentence(string name)
    {
        using var folder = new TemporaryFolder();
        var (arguments, data, sentence) = Cases[name];
        string file = folder.Write("data.jsonl", data);
        string Filled(string argument) => argument.Replace("{model}", Generation.Sample, StringComparison.Ordinal).Replace("{data}", file, StringComparison.Ordinal)
            .Replace("{golden}", Repository.Fixture("models", "llama"), StringComparison.Ordinal).Replace("{adapter}", Repository.Fixture("adapters", "llama3-list"), StringComparison.Ordinal);
        string temporary = Directory.CreateDirectory(folder["tmp"]).FullName;
        using var command = OrchestratorProcess.StartProgram(Repository.Coordinator, [.. arguments.Select(Filled)], new Dictionary<string, string>(StringComparer.Ordinal) { ["TMPDIR"] = temporary });
        Refusal.Check(command.Finish(), 2, sentence);
        Assert.Empty(FolderListing.Of(temporary));
    }
}
