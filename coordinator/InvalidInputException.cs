namespace Orchestrator.Coordinator;

/// <summary>A user's mistake in one sentence: what is wrong, where, and what to do.</summary>
/// <remarks>Caught at the top of every command: the sentence goes to stderr, the exit code is 2 and nothing was started.</remarks>
public class InvalidInputException(string message, Exception? inner = null) : Exception(message, inner);
