using System.Globalization;

namespace Orchestrator.Simulation;

/// <summary>Virtual time: things that are to happen, in the order of their times; equal times in the order in which they were planned.</summary>
internal sealed class Timeline
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Action, (double Time, long Order)> _queue = new();
    private long _planned;

    /// <summary>Seconds since the run's start.</summary>
    public double Now { get; private set; }

    public DateTimeOffset Clock => Start.AddSeconds(Now);

    /// <summary>Plans something.</summary>
    /// <param name="delay">Seconds from now.</param>
    /// <param name="action">What happens.</param>
    public void In(double delay, Action action) => At(Now + delay, action);

    public void At(double time, Action action) => _queue.Enqueue(action, (Math.Max(time, Now), ++_planned));

    /// <summary>Lets the next thing happen; false: nothing is left.</summary>
    public bool Step()
    {
        if (!_queue.TryDequeue(out var action, out var due))
            return false;
        Now = due.Time;
        action();
        return true;
    }

    public override string ToString() => Now.ToString("0.000", CultureInfo.InvariantCulture);
}
