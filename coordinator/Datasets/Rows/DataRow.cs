namespace Orchestrator.Coordinator.Datasets;

/// <summary>A row as its format means it.</summary>
/// <remarks>Its JSON belongs to the document that it was read from and is valid as long as that is.</remarks>
internal abstract record DataRow;
