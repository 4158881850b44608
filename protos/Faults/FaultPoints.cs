using System.Diagnostics;
#if FAULT_POINTS
using System.Globalization;
#endif

namespace Orchestrator.Protos.Faults;

/// <summary>Lets a test end a process at a named moment, as SIGKILL would.</summary>
/// <remarks>
/// Compiled for tests only: calls exist where the symbol FAULT_POINTS is defined, which the Debug configuration does and Release does not. A test says where with
/// ORCHESTRATOR_FAIL_AT=POINT:STEP:FILE. Whoever is first to make the file dies, so that it happens once, in one process.
/// </remarks>
public static class FaultPoints
{
    /// <summary>Dies here if a test wants it.</summary>
    /// <param name="point">Which moment.</param>
    /// <param name="step">Of which step; of the first of a window.</param>
    [Conditional("FAULT_POINTS")]
    public static void Reach(FaultPoint point, ulong step)
    {
#if FAULT_POINTS
        if (Environment.GetEnvironmentVariable("ORCHESTRATOR_FAIL_AT")?.Split(':', 3) is not [var name, var at, var file]
            || name != point.ToString() || at != step.ToString(CultureInfo.InvariantCulture))
            return;
        try
        {
            using var made = new FileStream(file, FileMode.CreateNew);
        }
        catch (IOException)
        {
            return;
        }

        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
#endif
    }
}
