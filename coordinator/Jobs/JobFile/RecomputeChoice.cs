namespace Orchestrator.Coordinator.Jobs;

internal enum RecomputeChoice
{
    Auto,
    None,
    Full,
}
