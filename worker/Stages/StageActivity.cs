namespace Orchestrator.Worker.Stages;

/// <summary>What the worker does or waits for now, a counter that grows whenever anything moves, and how long it may stand still.</summary>
/// <remarks>Thread-safe: the compute thread and loaders write, heartbeats read.</remarks>
internal sealed class StageActivity(TimeProvider? time = null)
{
    // Before an operation has been seen, and beside short ones.
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(20);
    private const int LongestOperations = 10;

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private ulong _progress;
    private string _text = "idle";
    private bool _waits = true;
    private long _since;
    private TimeSpan _longest;

    /// <summary>For people, e.g. "step 812: waits for worker-3, stage 2, backward of micro-batch 5".</summary>
    public string Text => Read().Text;

    /// <summary>Says what is done now, which is progress.</summary>
    public void Does(string text) => Turn(text, waits: false);

    /// <summary>Says what is waited for; being told so is no progress.</summary>
    public void WaitsFor(string text) => Turn(text, waits: true);

    /// <summary>All of it at one moment.</summary>
    public StageActivityReading Read()
    {
        lock (_gate)
        {
            var patience = TimeSpan.FromTicks(Math.Max(LeastPatience.Ticks, LongestOperations * _longest.Ticks));
            return new StageActivityReading(_text, _progress, _waits, patience);
        }
    }

    private void Turn(string text, bool waits)
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            if (!_waits && _time.GetElapsedTime(_since, now) is var lasted && lasted > _longest)
                _longest = lasted;
            (_text, _waits, _since) = (text, waits, now);
            if (!waits)
                _progress++;
        }
    }
}
