using System.Text.Json;
using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Cli.WholeModel;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Cli.Generate;

/// <summary>The tokens that a worker is asked with, which <c>--json</c> prints as prompt_ids.</summary>
public sealed class GenerateInputTests : IDisposable
{
    private const string Asked = "<|begin_of_text|><|im_start|>user\nOne tree.<|im_end|>\n<|im_start|>assistant\n";

    private static readonly string Sample = Path.Combine(Fixtures.Repository, "coordinator", "samples", "tiny-llama");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_ConversationThatEndsWithTheUser_AsksForAnAnswer() => Assert.Equal(Asked, Prompt(("user", "One tree.")));

    [Fact]
    public void Read_ConversationThatEndsWithTheAssistant_IsGoneOnWithInThatTurn()
        => Assert.Equal(Asked + "{\"item\": \"tr", Prompt(("user", "One tree."), ("assistant", "{\"item\": \"tr")));

    [Fact]
    public void Read_SeveralConversationsThatAreWrong_NamesEach()
    {
        var longest = string.Concat(Enumerable.Repeat("word ", 2000));
        var file = _folder.At("chat.jsonl");
        File.WriteAllText(file, string.Concat(
            """{"messages":[{"role":"robot","content":"x"}]}""", "\n",
            """{"messages":[{"role":"user","content":"x"}]}""", "\n",
            $$"""{"messages":[{"role":"user","content":"{{longest}}"}]}""", "\n",
            """{"role":"user","content":"x"}""", "\n",
            """{"role":"user","content":"y"}""", "\n"));
        var refusal = Assert.Throws<InvalidInputException>(() => GenerateInput.Read(new GenerateOptions(new WholeModelOptions(Sample)) { Messages = "chat.jsonl" }, _folder.Path));
        var told = refusal.Message.Split('\n');
        Assert.Equal(3, told.Length);
        Assert.StartsWith($"{file}, line 1: message 1 has the role 'robot'", told[0], StringComparison.Ordinal);
        Assert.Matches(@", line 3: The prompt has \d+ tokens, and the model reads at most 1024, its answer included; shorten it\.$", told[1]);
        Assert.Equal($"{file}, line 4: bare messages and whole conversations stand in one file; give one or the other.", told[2]);
    }

    private string Prompt(params (string Role, string Content)[] messages)
    {
        File.WriteAllText(_folder.At("chat.json"), JsonSerializer.Serialize(messages.Select(message => new { role = message.Role, content = message.Content })));
        var input = GenerateInput.Read(new GenerateOptions(new WholeModelOptions(Sample)) { Messages = "chat.json" }, _folder.Path);
        var tokenizer = Tokenizer.Open(Sample);
        var ids = Assert.Single(input.Prompts!);
        Assert.Equal(tokenizer.Encode(tokenizer.Decode(ids, skipSpecialTokens: false), addSpecialTokens: false).Ids, ids);
        return tokenizer.Decode(ids, skipSpecialTokens: false);
    }
}
