using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

public sealed class ChatTemplateTests
{
    /// <summary>transformers takes it as an argument of its own; add_generation_prompt it passes on.</summary>
    [Fact]
    public void Render_ContinueFinalMessageAmongTheKwargs_IsNoVariable()
    {
        var input = new ChatInput
        {
            Messages = JsonElement.Parse("""[{"role": "assistant", "content": "a"}]"""),
            Kwargs = JsonElement.Parse("""{"continue_final_message": true, "add_generation_prompt": true, "other": 1}"""),
            Clock = TemplateFixtures.Clock,
        };
        var text = ChatTemplate.Parse("{{ continue_final_message is defined }} {{ add_generation_prompt }} {{ other }}", "a.jinja").Render(input).Text;
        Assert.Equal("False True 1", text);
    }

    [Theory]
    [InlineData("""{"\ud800": 1}""")]
    [InlineData("""{"a": "\ud800"}""")]
    [InlineData("""{"a": {"\ud800": 1}}""")]
    public void Render_KwargsWithHalfASurrogatePair_AreRefusedInASentence(string kwargs)
    {
        var input = new ChatInput
        {
            Messages = JsonElement.Parse("""[{"role": "user", "content": "a"}]"""),
            Kwargs = JsonElement.Parse(kwargs),
            SpecialTokens = new Dictionary<string, string>(StringComparer.Ordinal),
            Clock = TemplateFixtures.Clock,
        };
        var refusal = Assert.Throws<TemplateException>(() => ChatTemplate.Parse("{{ messages }}", "a.jinja").Render(input));
        Assert.Contains("half a surrogate pair", refusal.Message, StringComparison.Ordinal);
    }
}
