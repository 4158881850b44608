namespace Orchestrator.Chaos;

/// <summary>A run that did not come to its end.</summary>
internal sealed class ChaosException(string message) : Exception(message);
