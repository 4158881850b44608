using System.Diagnostics;
using Orchestrator.Coordinator.Membership;

namespace Orchestrator.Coordinator.Cli;

/// <summary>One worker's place in an embedded fleet through its lives; owned by <see cref="WorkerProcesses"/>.</summary>
internal sealed class WorkerSlot(int index, string name)
{
    private long _began;
    private ulong _newestIncarnation;

    public int Index => index;

    public string Name => name;

    /// <summary>Counts the processes started here; a message of an earlier one is stale.</summary>
    public int Life { get; private set; }

    /// <summary>The process of this life; null between two.</summary>
    public WorkerProcess? Process { get; private set; }

    /// <summary>What the process attached as; null before.</summary>
    public WorkerKey? Attached { get; private set; }

    public RestartHistory History { get; set; } = RestartHistory.None;

    public void Begin(WorkerProcess process)
    {
        Life++;
        Process = process;
        Attached = null;
        _began = Stopwatch.GetTimestamp();
    }

    /// <summary>Notes what the process attached as; false: the key is of an earlier life, which the fleet holds until its connection's grace is over.</summary>
    public bool TryAttach(WorkerKey key)
    {
        if (Attached is null && key.Incarnation <= _newestIncarnation)
        {
            return false;
        }

        Attached = key;
        _newestIncarnation = key.Incarnation;
        return true;
    }

    /// <summary>Forgets the process that has ended and says how long it lived.</summary>
    public TimeSpan End()
    {
        Process?.Dispose();
        Process = null;
        Attached = null;
        return Stopwatch.GetElapsedTime(_began);
    }
}
