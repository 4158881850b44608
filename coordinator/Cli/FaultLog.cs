using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Where a user finds what the program logged of its own error.</summary>
internal static class FaultLog
{
    /// <summary>A sentence that names the log; a fault before the run had a folder leaves it in the temporary folder.</summary>
    public static string Where(RunLog log)
    {
        log.WriteTo(Path.Combine(Path.GetTempPath(), $"orchestrator-{Environment.ProcessId}.log"));
        return log.Path is { } path ? $"The log is {path}." : "No log could be written.";
    }
}
