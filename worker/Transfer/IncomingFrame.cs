namespace Orchestrator.Worker.Transfer;

/// <summary>What a received message was turned into: nothing but whether it completed a tensor, for its bytes already lie in the tensor.</summary>
internal sealed class IncomingFrame(bool completed)
{
    public bool CompletedTensor => completed;
}
