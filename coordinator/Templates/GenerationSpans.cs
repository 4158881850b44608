using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates;

/// <summary>Turns the marks of a rendered text into spans.</summary>
internal static class GenerationSpans
{
    /// <param name="text">The text with the marks that reached it.</param>
    /// <param name="blocks">How many blocks were executed; a mark that is missing was lost in a filter or a method.</param>
    public static RenderedChat Place(StrValue text, int blocks)
    {
        var spans = new List<(int Start, int End)>();
        foreach (var mark in text.Marks.OrderBy(m => m.Start).ThenByDescending(m => m.End))
        {
            if (mark.End > mark.Start && (spans.Count == 0 || mark.Start >= spans[^1].End))
            {
                spans.Add((mark.Start, mark.End));
            }
        }

        return new RenderedChat(text.Text, spans, blocks - text.Marks.Select(m => m.Block).Distinct().Count());
    }
}
