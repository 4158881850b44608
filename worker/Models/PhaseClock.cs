using System.Diagnostics;

namespace Orchestrator.Worker.Models;

/// <summary>The kinds of work of a pass, for a profile.</summary>
internal enum Phase
{
    None,
    Dequantize,
    BaseProducts,
    Lora,
    Attention,
    Norms,
    SwiGlu,
    ResidualSums,
    Embedding,
    HeadProducts,
    CrossEntropy,

    /// <summary>A layer's forward outside of the kinds above: nodes of the graph, what they save, handles.</summary>
    GraphForward,

    /// <summary>A layer's backward outside of the kinds above: the autograd engine, sums of residual gradients, memory given back.</summary>
    GraphBackward,
}

/// <summary>Adds up the time that the compute thread spends in each kind of work, while a profile is wanted.</summary>
/// <remarks>
/// Switched on by the benchmark alone; otherwise a measured section costs one comparison. A section suspends the one around it, so each moment counts once. Compute thread only.
/// </remarks>
internal static class PhaseClock
{
    private static long[]? _ticks;
    private static Phase _current;
    private static long _since;

    /// <summary>Begins a profile, or ends it.</summary>
    public static void Enable(bool enabled)
    {
        _ticks = enabled ? new long[Enum.GetValues<Phase>().Length] : null;
        (_current, _since) = (Phase.None, Stopwatch.GetTimestamp());
    }

    /// <summary>Seconds of a phase since the profile began.</summary>
    public static double Seconds(Phase phase) => _ticks is null ? 0 : _ticks[(int)phase] / (double)Stopwatch.Frequency;

    /// <summary>Times the section until it is disposed.</summary>
    public static Section Measure(Phase phase) => new(_ticks is null ? Phase.None : Switch(phase));

    private static Phase Switch(Phase phase)
    {
        var now = Stopwatch.GetTimestamp();
        _ticks![(int)_current] += now - _since;
        (var outer, _current, _since) = (_current, phase, now);
        return outer;
    }

    /// <summary>A section under way, which remembers the one around it.</summary>
    internal readonly ref struct Section(Phase outer)
    {
        public void Dispose()
        {
            if (_ticks is not null)
            {
                Switch(outer);
            }
        }
    }
}
