using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

public sealed class ChatTemplateTests
{
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
