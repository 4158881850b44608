namespace Orchestrator.Worker.Transfer;

/// <summary>A frame is not what the protocol allows: its sender is wrong, and its stream ends.</summary>
public sealed class TensorFrameException(string rule) : IOException($"Tensor frame: {rule}.");
