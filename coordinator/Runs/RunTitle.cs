namespace Orchestrator.Coordinator.Runs;

/// <summary>By what an entity owns its run's folder.</summary>
/// <param name="Output">The folder.</param>
/// <param name="Job">The job's name in the cluster.</param>
/// <param name="Fence">Of the entity's life.</param>
internal sealed record RunTitle(string Output, string Job, ulong Fence);
