using System.Diagnostics;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Stages;

/// <summary>Accounts a step's time to its phases.</summary>
/// <remarks>At any moment exactly one phase runs; entering one suspends the one around it. Compute thread only.</remarks>
internal sealed class PhaseClock
{
    private readonly long[] _ticks = new long[Enum.GetValues<StepPhase>().Length];
    private readonly long _start = Stopwatch.GetTimestamp();
    private StepPhase _phase = StepPhase.Other;
    private long _since = Stopwatch.GetTimestamp();

    /// <summary>Runs <paramref name="work"/> as a phase.</summary>
    public T In<T>(StepPhase phase, Func<T> work)
    {
        var outer = Switch(phase);
        try
        {
            return work();
        }
        finally
        {
            Switch(outer);
        }
    }

    /// <inheritdoc cref="In{T}"/>
    public void In(StepPhase phase, Action work) => In(phase, () =>
    {
        work();
        return true;
    });

    /// <summary>Runs work of two phases that go on side by side; what is in no phase of its own is shared out afterwards.</summary>
    /// <param name="first">One phase.</param>
    /// <param name="second">The other.</param>
    /// <param name="work">Gives the first one's share, from 0 to 1.</param>
    public void Share(StepPhase first, StepPhase second, Func<double> work)
    {
        var before = _ticks[(int)first];
        var share = In(first, work);
        var moved = (long)((_ticks[(int)first] - before) * (1 - share));
        _ticks[(int)first] -= moved;
        _ticks[(int)second] += moved;
    }

    public PhaseSeconds Read()
    {
        Switch(_phase);
        return new PhaseSeconds
        {
            Forward = Seconds(StepPhase.Forward),
            Backward = Seconds(StepPhase.Backward),
            Reduce = Seconds(StepPhase.Reduce),
            Optimizer = Seconds(StepPhase.Optimizer),
            Wait = Seconds(StepPhase.Wait),
            Vote = Seconds(StepPhase.Vote),
            History = Seconds(StepPhase.History),
            Mirror = Seconds(StepPhase.Mirror),
            Total = Stopwatch.GetElapsedTime(_start).TotalSeconds,
        };
    }

    private double Seconds(StepPhase phase) => (double)_ticks[(int)phase] / Stopwatch.Frequency;

    private StepPhase Switch(StepPhase phase)
    {
        var now = Stopwatch.GetTimestamp();
        _ticks[(int)_phase] += now - _since;
        _since = now;
        var outer = _phase;
        _phase = phase;
        return outer;
    }
}
