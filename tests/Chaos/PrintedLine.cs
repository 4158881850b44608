namespace Orchestrator.Chaos;

/// <summary>A line that <c>train</c> printed, and when.</summary>
internal sealed record PrintedLine(DateTimeOffset Time, string Text)
{
    /// <summary>Lines as one text.</summary>
    public static string Join(IEnumerable<PrintedLine> lines) => string.Concat(lines.Select(line => line.Text + "\n"));
}
