namespace Orchestrator.Coordinator.Datasets;

/// <summary>A text and what comes after it.</summary>
internal sealed record CompletionRow(string Prompt, string Completion) : DataRow;
