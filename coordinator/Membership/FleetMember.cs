namespace Orchestrator.Coordinator.Membership;

/// <summary>What one worker's stream and lease look like.</summary>
/// <param name="Worker">What it said of itself when it attached.</param>
/// <param name="Stream">The stream that speaks for the worker now.</param>
/// <param name="LastHeard">When its newest message came.</param>
/// <param name="ClosedSince">When its stream broke; null while it is open.</param>
internal sealed record FleetMember(AttachedWorker Worker, long Stream, DateTimeOffset LastHeard, DateTimeOffset? ClosedSince)
{
    /// <summary>How far it has come, by its own count.</summary>
    public ulong Progress { get; init; }

    /// <summary>When that count last grew, or no progress was expected of it.</summary>
    public DateTimeOffset MovedAt { get; init; } = LastHeard;

    /// <summary>Without progress for so long it is stuck; zero: never.</summary>
    public TimeSpan StuckAfter { get; init; }

    /// <summary>Why its process has ended, if somebody saw that; it is lost when its stream has been read to the end.</summary>
    public string? EndedBecause { get; init; }

    /// <summary>What it says it does.</summary>
    public string Activity { get; init; } = "";
}
