using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>Every golden template with every conversation: text, error message and places of the generation blocks.</summary>
public sealed class GoldenTemplateTests
{
    public static TheoryData<string> Templates { get; } = new(TemplateFixtures.Names);

    [Theory]
    [MemberData(nameof(Templates))]
    public void Template_WithAllConversations_RendersAsTransformers(string name)
    {
        var cases = TemplateFixtures.Lines($"{name}/cases.jsonl.gz");
        var wrong = cases.Select(c => (Case: c, Problem: Problem(name, c)))
            .Where(p => p.Problem is not null).Select(p => $"{p.Case.GetProperty("conversation")} {p.Case.GetProperty("kwargs")}\n  {p.Problem}").ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cases.Count} are wrong:\n{string.Join('\n', wrong)}");
        Assert.True(cases.Count >= 10);
    }

    private static string? Problem(string name, JsonElement golden)
    {
        try
        {
            var rendered = ChatTemplate.Parse(TemplateFixtures.Source(name), name).Render(TemplateFixtures.Input(name, golden));
            if (!golden.TryGetProperty("expected", out var expected) || expected.GetString() != rendered.Text)
            {
                return $"gave {rendered.Text}\n  want {golden}";
            }

            return golden.TryGetProperty("mask", out var mask) ? SpanProblem(mask.GetProperty("spans"), rendered) : null;
        }
        catch (TemplateException e)
        {
            return golden.TryGetProperty("error", out var error) && error.GetProperty("message").GetString() == e.Reason ? null : $"threw {e.Message}\n  want {golden}";
        }
    }

    /// <summary>Golden spans count code points and keep empty ones.</summary>
    private static string? SpanProblem(JsonElement spans, RenderedChat rendered)
    {
        var expected = spans.EnumerateArray().Select(s => (Start: s[0].GetInt32(), End: s[1].GetInt32())).Where(s => s.End > s.Start).ToList();
        var actual = rendered.Generations.Select(s => (Start: CodePoints(rendered.Text, s.Start), End: CodePoints(rendered.Text, s.End))).ToList();
        return expected.SequenceEqual(actual) && rendered.LostGenerations == 0 ? null : $"spans {string.Join(' ', actual)}, want {spans}";
    }

    private static int CodePoints(string text, int end) => text.AsSpan(0, end).ToString().EnumerateRunes().Count();
}
