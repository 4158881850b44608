using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Membership;

/// <summary>An event's outcome: the fleet after it, and what follows for streams and subscribers.</summary>
internal sealed record FleetDecision(Fleet Next, ImmutableArray<FleetEffect> Effects);
