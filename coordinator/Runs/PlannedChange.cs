using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A change of the job's members at a step's boundary.</summary>
/// <param name="End">Growth, or a worker that is drained.</param>
/// <param name="Leaving">The drained worker; null: none.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="Loading">Newcomers, and whether each has loaded its stage.</param>
/// <param name="IsHolding">Whether the generation was told to hold.</param>
internal sealed record PlannedChange(GenerationEnd End, WorkerKey? Leaving, string Reason, ImmutableDictionary<WorkerKey, bool> Loading, bool IsHolding)
{
    /// <summary>Whether the step that the job holds at is saved first: nobody is ready to take the leaving worker's place.</summary>
    public bool Saves { get; init; }
}
