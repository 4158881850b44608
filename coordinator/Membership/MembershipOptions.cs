namespace Orchestrator.Coordinator.Membership;

/// <summary>How long a worker may be silent or away before it counts as lost.</summary>
internal sealed record MembershipOptions
{
    /// <summary>A worker that was not heard of for this long is lost.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often workers send a heartbeat: several fit into a lease.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long a worker whose stream broke may take to come back with the same incarnation.</summary>
    public TimeSpan ReconnectGrace { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How often leases are looked at.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(0.25);

    /// <summary>Messages that may wait for one worker's stream; a worker that lets more pile up is lost.</summary>
    public int OutboxCapacity { get; init; } = 256;

    /// <summary>Messages of one worker's stream that may wait for the directory; the stream is not read further until some are handled.</summary>
    public int InboxCapacity { get; init; } = 256;
}
