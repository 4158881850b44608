using System.Diagnostics;

namespace Orchestrator.Worker.Models;

/// <summary>Adds up the time that the compute thread spends in each kind of work, while a profile is wanted.</summary>
/// <remarks>
/// Switched on by the benchmark alone; otherwise a measured section costs one comparison. A section suspends the one around it, so each moment counts once. Compute thread only.
/// </remarks>
internal static class KernelProfile
{
    private static long[]? _ticks;
    private static KernelPhase _current;
    private static long _since;

    /// <summary>Begins a profile, or ends it.</summary>
    public static void Enable(bool enabled)
    {
        _ticks = enabled ? new long[Enum.GetValues<KernelPhase>().Length] : null;
        (_current, _since) = (KernelPhase.None, Stopwatch.GetTimestamp());
    }

    /// <summary>Seconds of a phase since the profile began.</summary>
    public static double Seconds(KernelPhase phase) => _ticks is null ? 0 : _ticks[(int)phase] / (double)Stopwatch.Frequency;

    /// <summary>Times the section until it is disposed.</summary>
    public static Section Measure(KernelPhase phase) => new(_ticks is null ? KernelPhase.None : Switch(phase));

    private static KernelPhase Switch(KernelPhase phase)
    {
        var now = Stopwatch.GetTimestamp();
        _ticks![(int)_current] += now - _since;
        (var outer, _current, _since) = (_current, phase, now);
        return outer;
    }

    /// <summary>A section under way, which remembers the one around it.</summary>
    internal readonly ref struct Section(KernelPhase outer)
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
