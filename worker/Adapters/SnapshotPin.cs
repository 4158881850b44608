namespace Orchestrator.Worker.Adapters;

/// <summary>Keeps a snapshot as it is until it is disposed. Any thread.</summary>
internal sealed class SnapshotPin(AdapterSnapshot snapshot, Action release) : IDisposable
{
    private int _released;

    public AdapterSnapshot Snapshot => snapshot;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
            release();
    }
}
