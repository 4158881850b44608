using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>A receiver that accepts a stream and fails over its first frame.</summary>
internal sealed class FailingTransfer : TensorTransfer.TensorTransferBase
{
    private int _calls;

    public int Calls => Volatile.Read(ref _calls);

    public override async Task Push(IAsyncStreamReader<TensorFrame> requestStream, IServerStreamWriter<TransferReceipt> responseStream, ServerCallContext context)
    {
        Interlocked.Increment(ref _calls);
        await context.WriteResponseHeadersAsync(new Metadata { { PeerAccess.AcceptedHeader, "1" } });
        await requestStream.MoveNext(context.CancellationToken);
        throw new InvalidOperationException("a bug of the receiver");
    }
}
