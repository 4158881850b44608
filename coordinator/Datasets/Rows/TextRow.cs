namespace Orchestrator.Coordinator.Datasets;

/// <summary>A text that is learned whole.</summary>
internal sealed record TextRow(string Text) : DataRow;
