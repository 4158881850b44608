namespace Orchestrator.Coordinator.Placement;

/// <summary>Something that the planner has to say, in one sentence, with a code for scripts.</summary>
internal sealed record Finding(FindingSeverity Severity, string Code, string Message);
