namespace Orchestrator.Coordinator.Placement;

internal enum FindingSeverity
{
    Info,
    Warning,
    Error,
}
