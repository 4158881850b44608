namespace Orchestrator.Coordinator.Cli;

/// <summary>How a worker process ended: 128 + the signal's number for a killed one, as shells say it, and the end of its stderr.</summary>
internal sealed record WorkerExit(int ExitCode, IReadOnlyList<string> LastLines);
