namespace Orchestrator.Worker.Sessions;

/// <summary>The stream to a coordinator can carry nothing more; another one may.</summary>
internal sealed class StreamBrokenException(string message, Exception? inner = null) : Exception(message, inner);
