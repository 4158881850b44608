namespace Orchestrator.Worker.Transfer;

/// <summary>A mirrored state came for a generation that has ended: a receipt would have its sender take it for mirrored.</summary>
internal sealed class StaleMirrorException(string message) : TensorFrameException(message);
