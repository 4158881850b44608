using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>A tensor that came from another worker; disposing frees it.</summary>
internal sealed record ReceivedTensor(DType DType, TensorBuffer Buffer) : IDisposable
{
    public void Dispose() => Buffer.Dispose();
}
