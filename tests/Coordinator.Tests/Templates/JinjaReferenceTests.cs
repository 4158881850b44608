using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>Some thousand snippets, written by hand and at random, end as they did in jinja2 3.1.6.</summary>
public sealed class JinjaReferenceTests
{
    [Theory]
    [InlineData("jinja_reference.jsonl.gz", 5_000)]
    [InlineData("jinja_scopes.jsonl.gz", 1_000)]
    public void Snippets_OfTheReference_GiveItsTextOrFailToo(string file, int atLeast)
    {
        var context = TemplateFixtures.Json("jinja_context.json");
        var cases = TemplateFixtures.Lines(file);
        var wrong = cases.Select(c => Problem(c, context)).OfType<string>().ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases.Count} are wrong:\n{string.Join('\n', wrong)}");
        Assert.True(cases.Count > atLeast);
    }

    /// <summary>The texts must be equal; of errors the fact, and the message where something was undefined, unsafe or raised.</summary>
    private static string? Problem(JsonElement snippet, JsonElement context)
    {
        var source = TemplateFixtures.Text(snippet.GetProperty("template"));
        try
        {
            var text = ChatTemplate.Parse(source, "snippet").Render(context, TemplateFixtures.Clock).Text;
            return snippet.TryGetProperty("expected", out var expected) && TemplateFixtures.Text(expected) == text ? null : $"{source}\n  gave {text}\n  want {snippet}";
        }
        catch (TemplateException e)
        {
            if (!snippet.TryGetProperty("error", out var error))
            {
                return $"{source}\n  threw {e.Kind} {e.Reason}\n  want {snippet}";
            }

            // The namespace of transformers has a name of its own.
            var mustAgree = error.GetProperty("type").GetString() is "UndefinedError" or "SecurityError" or "TemplateError" or "TemplateSyntaxError" or "TemplateAssertionError"
                && !source.Contains("namespace", StringComparison.Ordinal) && e.Kind != TemplateErrorKind.Unsupported;
            return !mustAgree || TemplateFixtures.Text(error.GetProperty("message")) == e.Reason ? null : $"{source}\n  threw {e.Reason}\n  want {error}";
        }
    }
}
