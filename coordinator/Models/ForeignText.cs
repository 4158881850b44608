namespace Orchestrator.Coordinator.Models;

/// <summary>Makes text from foreign bytes fit for a sentence: one line, bounded, no control characters.</summary>
internal static class ForeignText
{
    private const int MaxLength = 160;

    /// <summary>The first line of a message of several, as a sentence.</summary>
    public static string FirstSentence(string text) => $"{Clip(text.Trim().Split('\n', 2)[0].TrimEnd()).TrimEnd('.')}.";

    public static string Clip(string text)
    {
        string head = text.Length <= MaxLength ? text : string.Concat(text.AsSpan(0, MaxLength), "…");
        return string.Create(head.Length, head, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? '?' : source[i];
            }
        });
    }
}
