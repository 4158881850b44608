using Google.Protobuf;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Worker.BaseCache;

namespace Orchestrator.Worker.Transfer;

/// <summary>Gives quantized weights out of this worker's cache to other workers of its jobs.</summary>
/// <remarks>A blob goes as it lies on disk: the receiver checks it, so that this worker, which trains meanwhile, need not.</remarks>
internal sealed class BaseWeightService(BaseWeightAccess access) : BaseWeights.BaseWeightsBase
{
    private const int PartBytes = 256 * 1024;

    public override async Task Fetch(BaseWeightRequest request, IServerStreamWriter<BaseWeightPart> responseStream, ServerCallContext context)
    {
        access.Check(context.RequestHeaders);
        if (!BaseKey.IsKey(request.Key))
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"'{request.Key}' is no key of a weight."));
        await using var blob = access.Cache?.OpenToGive(new BaseKey(request.Key)) ?? throw new RpcException(new Status(StatusCode.NotFound, $"There is no weight {request.Key} here."));
        var total = (ulong)blob.Length;
        if (request.Offset > total)
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"The weight {request.Key} has {total} bytes: none is at {request.Offset}."));
        blob.Position = (long)request.Offset;
        var part = new byte[PartBytes];
        while (await blob.ReadAsync(part, context.CancellationToken) is var read and > 0)
        {
            var at = (ulong)(blob.Position - read);
            await responseStream.WriteAsync(new BaseWeightPart { Offset = at, Total = total, Content = ByteString.CopyFrom(part, 0, read) }, context.CancellationToken);
        }
    }
}
