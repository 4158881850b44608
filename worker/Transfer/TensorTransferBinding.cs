using Grpc.AspNetCore.Server.Model;

namespace Orchestrator.Worker.Transfer;

/// <summary>Binds <see cref="TensorTransferService"/> with our marshallers instead of the generated ones.</summary>
internal sealed class TensorTransferBinding : IServiceMethodProvider<TensorTransferService>
{
    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<TensorTransferService> context) =>
        context.AddDuplexStreamingMethod(TensorTransferMethods.PushIn, [], static (service, frames, receipts, call) => service.Push(frames, receipts, call));
}
