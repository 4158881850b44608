using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Simulation;

/// <summary>The job's journal: a list of events whose sequence numbers are unique, so the second of two writers is refused.</summary>
internal sealed class SimulatedJournal
{
    private readonly List<IJobEvent> _events = [];

    public IReadOnlyList<IJobEvent> Events => _events;

    /// <summary>The newest owner's fence.</summary>
    public ulong Fence { get; private set; }

    /// <summary>Where the newest write begins.</summary>
    public int LastWrite { get; private set; }

    /// <summary>Appends a write; false: somebody else has written since, and nothing of it is there.</summary>
    /// <param name="after">The last sequence number that the writer knows.</param>
    /// <param name="events">The write.</param>
    public bool Append(long after, IReadOnlyList<IJobEvent> events)
    {
        if (after != _events.Count)
            return false;
        LastWrite = _events.Count;
        _events.AddRange(events);
        Fence = events.OfType<OwnershipTaken>().LastOrDefault()?.Fence ?? Fence;
        return true;
    }

    /// <summary>The fold of all events.</summary>
    public JobRecord Fold() => _events.Aggregate(JobRecord.Empty, (record, happened) => record.Apply(happened));
}
