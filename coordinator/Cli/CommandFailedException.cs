namespace Orchestrator.Coordinator.Cli;

/// <summary>A command ran and failed, for a reason that one sentence tells.</summary>
internal sealed class CommandFailedException(string message, Exception? inner = null) : Exception(message, inner);
