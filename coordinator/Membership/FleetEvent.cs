using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Something that happened to the fleet.</summary>
internal abstract record FleetEvent
{
    private FleetEvent() { }

    /// <summary>A stream opened and its attach request was valid.</summary>
    internal sealed record StreamOpened(long Stream, AttachedWorker Worker) : FleetEvent;

    /// <summary>A message came over a stream.</summary>
    internal sealed record Heard(long Stream, WorkerKey Key) : FleetEvent;

    /// <summary>A worker told how far it has come.</summary>
    internal sealed record Beat(long Stream, WorkerKey Key, Heartbeat Heartbeat) : FleetEvent;

    /// <summary>A worker said that it is to end soon.</summary>
    internal sealed record Draining(WorkerKey Key, string Reason) : FleetEvent;

    /// <summary>A stream ended or broke.</summary>
    internal sealed record StreamClosed(long Stream, WorkerKey Key) : FleetEvent;

    /// <summary>Whoever started the worker's process saw it end: it never comes back.</summary>
    internal sealed record ProcessEnded(WorkerKey Key, string Reason) : FleetEvent;

    /// <summary>A worker does not read what it is sent, or broke the protocol.</summary>
    internal sealed record GivenUp(WorkerKey Key, string Reason) : FleetEvent;

    /// <summary>A worker said that it ends.</summary>
    internal sealed record Left(WorkerKey Key, string Reason) : FleetEvent;

    /// <summary>Time to look at the leases.</summary>
    internal sealed record Tick : FleetEvent;
}
