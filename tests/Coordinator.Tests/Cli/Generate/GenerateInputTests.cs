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
