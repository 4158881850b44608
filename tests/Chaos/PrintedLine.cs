namespace Orchestrator.Chaos;

/// <summary>A line that <c>train</c> printed, and when.</summary>
internal sealed record PrintedLine(DateTimeOffset Time, string Text);
