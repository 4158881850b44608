namespace Orchestrator.Coordinator.Membership;

/// <summary>What one worker's stream and lease look like.</summary>
/// <param name="Worker">What it said of itself when it attached.</param>
/// <param name="Stream">The stream that speaks for the worker now.</param>
/// <param name="LastHeard">When its newest message came.</param>
/// <param name="ClosedSince">When its stream broke; null while it is open.</param>
internal sealed record FleetMember(AttachedWorker Worker, long Stream, DateTimeOffset LastHeard, DateTimeOffset? ClosedSince);
