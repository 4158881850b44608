namespace Orchestrator.Simulation;

/// <summary>An invariant does not hold.</summary>
internal sealed class ViolationException(string sentence) : Exception(sentence);
