namespace Orchestrator.Worker.Transfer;

/// <summary>A frame is not what the protocol allows: its sender is wrong, and its stream ends.</summary>
public class TensorFrameException(string rule) : IOException($"Tensor frame: {rule}.");
