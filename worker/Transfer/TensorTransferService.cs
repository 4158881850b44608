using Grpc.Core;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Receives the tensors of other workers.</summary>
/// <remarks>Each stream proves itself by its generation's secret before its first frame is read. A frame against the protocol ends its stream.</remarks>
internal sealed class TensorTransferService(PeerAccess access, TensorInbox inbox)
{
    public async Task Push(IAsyncStreamReader<IncomingFrame> frames, IServerStreamWriter<TransferReceipt> receipts, ServerCallContext context)
    {
        var sender = access.Check(context.RequestHeaders).Sender;
        await context.WriteResponseHeadersAsync(new Metadata { { PeerAccess.AcceptedHeader, "1" } });
        using var assembler = new FrameAssembler(inbox, sender.Job, sender.Generation, sender.Rank);
        FrameAssembler.Current = assembler;
        try
        {
            while (await frames.MoveNext(context.CancellationToken))
            {
                if (frames.Current.CompletedTensor)
                    await receipts.WriteAsync(new TransferReceipt { TensorsReceived = assembler.TensorsReceived }, context.CancellationToken);
            }
        }
        catch (CorruptFrameException damaged)
        {
            throw new RpcException(new Status(StatusCode.DataLoss, damaged.Message));
        }
        catch (StaleMirrorException stale)
        {
            throw PeerAccess.Ended(stale.Message);
        }
        catch (TensorFrameException wrong)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, wrong.Message));
        }
        catch (OutOfMemoryException)
        {
            // Not ResourceExhausted: that is tried again for ever, and whoever runs the job is to know.
            throw new RpcException(new Status(StatusCode.OutOfRange, "The receiver has no memory for this tensor."));
        }
    }
}
