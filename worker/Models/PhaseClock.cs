using System.Diagnostics;

namespace Orchestrator.Worker.Models;

/// <summary>The kinds of work of a pass, for a profile.</summary>
internal enum Phase
{
    Dequantize,
    BaseProducts,
    Lora,
    Attention,
    Norms,
    SwiGlu,
    Embedding,
    HeadProducts,
    CrossEntropy,
}

/// <summary>Adds up the time that the compute thread spends in each kind of work, while a profile is wanted.</summary>
/// <remarks>Switched on by the benchmark alone; otherwise a measured section costs one comparison. Compute thread only; sections do not nest.</remarks>
internal static class PhaseClock
{
    private static long[]? _ticks;

    /// <summary>Begins a profile, or ends it.</summary>
    public static void Enable(bool enabled) => _ticks = enabled ? new long[Enum.GetValues<Phase>().Length] : null;

    /// <summary>Seconds of a phase since the profile began.</summary>
    public static double Seconds(Phase phase) => _ticks is null ? 0 : _ticks[(int)phase] / (double)Stopwatch.Frequency;

    /// <summary>Times the section until it is disposed.</summary>
    public static Section Measure(Phase phase) => new(phase, _ticks is null ? 0 : Stopwatch.GetTimestamp());

    /// <summary>A section under way.</summary>
    internal readonly ref struct Section(Phase phase, long start)
    {
        public void Dispose()
        {
            if (_ticks is not null && start != 0)
            {
                _ticks[(int)phase] += Stopwatch.GetTimestamp() - start;
            }
        }
    }
}
