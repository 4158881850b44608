using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Adapters;

/// <summary>The states after the last two steps of a stage, in host memory.</summary>
/// <remarks>
/// Written on the compute thread. A snapshot may be pinned for a while by whoever writes or sends it, from any thread: its memory is not used again before, and
/// the history goes on with another one.
/// </remarks>
/// <param name="layout">Of the stage.</param>
internal sealed class AdapterHistory(AdapterLayout layout) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StateHistory _steps = new();
    private readonly Dictionary<ulong, AdapterSnapshot> _kept = [];
    private readonly Dictionary<AdapterSnapshot, int> _pins = [];
    private readonly Stack<AdapterSnapshot> _free = new();
    private bool _disposed;

    public AdapterLayout Layout => layout;

    /// <summary>The steps whose states are held, the oldest first.</summary>
    public IReadOnlyList<ulong> Steps
    {
        get
        {
            lock (_gate)
                return [.. _steps.Steps];
        }
    }

    /// <summary>The state after a step, valid until the next but one is kept; null: it is not held.</summary>
    public AdapterSnapshot? At(ulong step)
    {
        lock (_gate)
            return _kept.GetValueOrDefault(step);
    }

    /// <summary>Copies the state, which is that after a step.</summary>
    public AdapterSnapshot Keep(AdapterState state, ulong step)
    {
        var snapshot = state.Snapshot(step, Rent());
        Keep(snapshot);
        return snapshot;
    }

    /// <summary>Takes a snapshot over: that after its step.</summary>
    public void Keep(AdapterSnapshot snapshot)
    {
        lock (_gate)
        {
            if (_steps.Keep(snapshot.Step) is { } dropped)
                Drop(dropped);
            _kept.Add(snapshot.Step, snapshot);
        }
    }

    /// <summary>Goes back to a step; false: it is not held, and nothing has changed.</summary>
    public bool BackTo(ulong step)
    {
        lock (_gate)
        {
            if (_steps.BackTo(step) is not { } later)
                return false;
            foreach (var dropped in later)
                Drop(dropped);
            return true;
        }
    }

    /// <summary>Pins the state after a step until the pin is disposed.</summary>
    /// <exception cref="InvalidOperationException">It is not held.</exception>
    public SnapshotPin Pin(ulong step)
    {
        lock (_gate)
        {
            var snapshot = _kept.TryGetValue(step, out var kept) ? kept : throw new InvalidOperationException($"the state after step {step} is not held, but that after {string.Join(", ", _steps.Steps)}");
            _pins[snapshot] = _pins.GetValueOrDefault(snapshot) + 1;
            return new SnapshotPin(snapshot, () => Unpin(snapshot));
        }
    }

    /// <summary>Frees what is not pinned; that follows with its pin.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var step in _kept.Keys.ToArray())
                Drop(step);
            while (_free.TryPop(out var free))
                free.Dispose();
        }
    }

    private AdapterSnapshot? Rent()
    {
        lock (_gate)
            return _free.TryPop(out var free) ? free : null;
    }

    private void Drop(ulong step)
    {
        if (_kept.Remove(step, out var snapshot) && !_pins.ContainsKey(snapshot))
            Free(snapshot);
    }

    private void Unpin(AdapterSnapshot snapshot)
    {
        lock (_gate)
        {
            if (--_pins[snapshot] > 0)
                return;
            _pins.Remove(snapshot);
            if (!_kept.ContainsValue(snapshot))
                Free(snapshot);
        }
    }

    private void Free(AdapterSnapshot snapshot)
    {
        if (_disposed)
            snapshot.Dispose();
        else
            _free.Push(snapshot);
    }
}
