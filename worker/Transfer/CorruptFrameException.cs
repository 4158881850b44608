namespace Orchestrator.Worker.Transfer;

/// <summary>A frame's bytes are not those that were sent: sent again over another stream they may be.</summary>
internal sealed class CorruptFrameException(string message) : TensorFrameException(message);
