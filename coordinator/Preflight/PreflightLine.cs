using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>A line of the report.</summary>
/// <param name="Severity">Of the finding that it tells; null: it tells numbers.</param>
/// <param name="Text">The line.</param>
internal sealed record PreflightLine(FindingSeverity? Severity, string Text);
