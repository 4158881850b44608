namespace Orchestrator.Worker.Stages;

/// <summary>What the worker does or waits for now, and a counter that grows whenever anything moves.</summary>
/// <remarks>Thread-safe: the compute thread writes, heartbeats read.</remarks>
internal sealed class StageActivity
{
    private long _progress;
    private volatile string _text = "idle";

    /// <summary>Grows with every piece of work; it stands still only when the worker is stuck or has nothing to do.</summary>
    public ulong Progress => (ulong)Interlocked.Read(ref _progress);

    /// <summary>For people, e.g. "step 812: waits for worker-3, stage 2, backward of micro-batch 5".</summary>
    public string Text => _text;

    /// <summary>Says what is done now, which is progress.</summary>
    public void Does(string text)
    {
        _text = text;
        Interlocked.Increment(ref _progress);
    }

    /// <summary>Says what is waited for; being told so is no progress.</summary>
    public void WaitsFor(string text) => _text = text;
}
