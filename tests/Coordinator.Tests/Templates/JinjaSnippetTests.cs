using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>Every snippet gives what jinja2 gave in transformers' environment.</summary>
public sealed class JinjaSnippetTests
{
    /// <summary>Constructs that are refused by name.</summary>
    private static readonly string[] Refused = ["lipsum"];

    [Fact]
    public void Snippets_RenderAsJinja_OrAreRefusedByName()
    {
        var context = TemplateFixtures.Json("jinja_context.json");
        var wrong = new List<string>();
        var refused = 0;
        var cases = TemplateFixtures.Lines("jinja_cases.jsonl.gz");
        foreach (var snippet in cases)
        {
            var source = TemplateFixtures.Text(snippet.GetProperty("template"));
            try
            {
                var text = ChatTemplate.Parse(source, "snippet").Render(context, TemplateFixtures.Clock).Text;
                if (!snippet.TryGetProperty("expected", out var expected) || expected.GetString() != text)
                {
                    wrong.Add($"{source}\n  gave {text}\n  want {Wanted(snippet)}");
                }
            }
            catch (TemplateException e) when (e.Kind == TemplateErrorKind.Unsupported)
            {
                Assert.Contains(Refused, name => e.Reason.Contains(name, StringComparison.Ordinal));
                refused++;
            }
            catch (TemplateException e)
            {
                if (!snippet.TryGetProperty("error", out var error) || !IsSame(error, e))
                {
                    wrong.Add($"{source}\n  threw {e.Kind} {e.Reason}\n  want {Wanted(snippet)}");
                }
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases.Count} are wrong:\n{string.Join('\n', wrong)}");
        Assert.Equal(455, cases.Count);
        Assert.True(refused <= 1, $"{refused} of {cases.Count} are refused");
    }

    /// <summary>Messages are equal too; only the position that CPython's compiler adds is its own.</summary>
    private static bool IsSame(JsonElement error, TemplateException e)
    {
        var message = error.GetProperty("message").GetString()!;
        return e.Line > 0 && e.Column > 0 && (message == e.Reason || message.StartsWith(e.Reason + " (<template>", StringComparison.Ordinal)
            || (message.StartsWith("str.upper", StringComparison.Ordinal) && e.Reason.StartsWith("str.upper", StringComparison.Ordinal)));
    }

    private static string Wanted(JsonElement snippet) =>
        snippet.TryGetProperty("expected", out var expected) ? expected.GetString()! : snippet.GetProperty("error").GetRawText();
}
