namespace Orchestrator.Worker.Sessions;

/// <summary>Another worker of the generation stays away or refuses: the generation cannot go on.</summary>
internal sealed class PeerLostException(string message, Exception inner) : Exception(message, inner);
