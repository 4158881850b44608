using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Membership;

/// <summary>All attached workers at one moment, ordered by name.</summary>
/// <remarks>Immutable. The version grows by one with each attach and each loss; a reconnect of the same incarnation changes nothing.</remarks>
internal sealed record FleetSnapshot(long Version, ImmutableArray<AttachedWorker> Workers);
