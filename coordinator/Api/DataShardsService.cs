using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Core;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Api;

/// <summary>Streams prepared splits to workers, by digest, from any offset.</summary>
/// <remarks>Reads only files whose name is a digest, so no path can be asked for. The worker checks the digest when the blob is whole.</remarks>
internal sealed partial class DataShardsService(JobFolders folders) : DataShards.DataShardsBase
{
    private const int PartBytes = 256 * 1024;

    public override async Task Fetch(ShardRequest request, IServerStreamWriter<ShardPart> responseStream, ServerCallContext context)
    {
        var digest = request.Shard?.Sha256 ?? "";
        if (!Digest().IsMatch(digest))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"'{digest}' is no SHA-256 digest."));
        }

        await using var file = Open(digest);
        var length = (ulong)file.Length;
        if (request.Offset > length)
        {
            throw new RpcException(new Status(StatusCode.OutOfRange, $"Shard {digest} has {length} bytes, not {request.Offset}."));
        }

        file.Position = (long)request.Offset;
        var buffer = new byte[PartBytes];
        for (var offset = request.Offset; offset < length;)
        {
            var read = await file.ReadAsync(buffer, context.CancellationToken);
            if (read == 0)
            {
                throw new RpcException(new Status(StatusCode.DataLoss, $"Shard {digest} became shorter while it was read."));
            }

            await responseStream.WriteAsync(new ShardPart { Offset = offset, Content = ByteString.CopyFrom(buffer, 0, read) }, context.CancellationToken);
            offset += (ulong)read;
        }
    }

    private FileStream Open(string digest)
    {
        try
        {
            return File.OpenRead(Path.Combine(folders.Data, $"{digest}.blob"));
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new RpcException(new Status(StatusCode.NotFound, $"This coordinator has no shard {digest}."));
        }
    }

    [GeneratedRegex("^[0-9a-f]{64}$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Digest();
}
