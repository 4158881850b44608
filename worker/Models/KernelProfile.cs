using System.Diagnostics;

namespace Orchestrator.Worker.Models;

/// <summary>Adds up the time that computing threads spend in each kind of work, while a profile is wanted.</summary>
/// <remarks>
/// Switched on by the benchmark alone; otherwise a measured section costs one comparison. A section suspends the one around it on its thread, so each moment of a thread counts once.
/// </remarks>
internal static class KernelProfile
{
    private static long[]? _ticks;

    [ThreadStatic]
    private static ThreadState? _state;

    /// <summary>Begins a profile, or ends it; no section is open.</summary>
    public static void Enable(bool enabled) => _ticks = enabled ? new long[Enum.GetValues<KernelPhase>().Length] : null;

    /// <summary>Seconds of a phase since the profile began, all threads together.</summary>
    public static double Seconds(KernelPhase phase) => _ticks is null ? 0 : Interlocked.Read(ref _ticks[(int)phase]) / (double)Stopwatch.Frequency;

    /// <summary>Times the section until it is disposed.</summary>
    public static Section Measure(KernelPhase phase) => new(_ticks is null ? KernelPhase.None : Switch(phase));

    private static KernelPhase Switch(KernelPhase phase)
    {
        var (now, state) = (Stopwatch.GetTimestamp(), _state ??= new ThreadState());
        if (state.Current != KernelPhase.None)
        {
            Interlocked.Add(ref _ticks![(int)state.Current], now - state.Since);
        }

        (var outer, state.Current, state.Since) = (state.Current, phase, now);
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

    private sealed class ThreadState
    {
        public KernelPhase Current { get; set; }

        public long Since { get; set; }
    }
}
