namespace Orchestrator.Coordinator.Placement;

/// <summary>A layout or the reason why there is none.</summary>
/// <param name="Layout">Null when the job cannot be placed on these workers.</param>
/// <param name="Waits">True when more or other workers would do (the job waits); false when no fleet could.</param>
/// <param name="Reason">One sentence, also for a layout that was found.</param>
/// <param name="Findings">Everything to tell, the reason of a refusal included.</param>
internal sealed record LayoutResult(LayoutPlan? Layout, bool Waits, string Reason, IReadOnlyList<Finding> Findings);
