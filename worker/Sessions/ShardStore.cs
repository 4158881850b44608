using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Protos.Resilience;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Sessions;

/// <summary>Fetches prepared token shards from a coordinator, by digest.</summary>
/// <remarks>
/// A broken fetch goes on where it stopped, for as long as it takes: it has a connection of its own, and a coordinator that is gone may come back. With a cache folder a shard is kept under its digest and fetched once; without one its file loses its
/// name as soon as it is mapped, so that nothing is left behind whatever ends the process. A kept file that was damaged since is fetched once again.
/// </remarks>
internal sealed class ShardStore(string? cache)
{
    /// <summary>Opens a shard, fetching it first if it is not here.</summary>
    /// <exception cref="WorkerFaultException">What came is not what its digest says, or the coordinator has no such shard for this worker.</exception>
    public async Task<SplitReader> OpenAsync(ShardRef shard, ShardOrigin origin, IProgress<ulong> progress, CancellationToken cancellationToken)
    {
        if (shard.Sha256.Length != 64 || !shard.Sha256.All(char.IsAsciiHexDigitLower))
            throw new WorkerFaultException(ErrorCode.BadData, $"'{shard.Sha256}' is no digest of a shard.");
        var folder = cache ?? Path.GetTempPath();
        var file = Path.Combine(folder, cache is null ? $"orchestrator-{Guid.NewGuid():N}.blob" : $"{shard.Sha256}.blob");
        try
        {
            if (OpenKept(shard, file) is { } kept)
                return new SplitReader(kept);
            await FetchAsync(shard, file, origin, progress, cancellationToken);
            return new SplitReader(BlobReader.Open(file, shard.Sha256));
        }
        catch (BlobFormatException damaged)
        {
            File.Delete(file);
            throw new WorkerFaultException(ErrorCode.BadData, $"Shard {shard.Sha256} arrived damaged: {damaged.Message}", damaged);
        }
        finally
        {
            if (cache is null)
                File.Delete(file);
        }
    }

    // Null: there is none, or it is damaged and gone now.
    private static BlobReader? OpenKept(ShardRef shard, string file)
    {
        if (!File.Exists(file))
            return null;
        try
        {
            return BlobReader.Open(file, shard.Sha256);
        }
        catch (BlobFormatException)
        {
            File.Delete(file);
            return null;
        }
    }

    private static async Task FetchAsync(ShardRef shard, string file, ShardOrigin origin, IProgress<ulong> progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            await using (var content = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                // Its own: the attach stream's is gone with the stream.
                using var channel = CoordinatorChannels.Open(origin.Coordinator);
                var client = new DataShards.DataShardsClient(channel);
                var headers = new Metadata { { "authorization", $"Bearer {origin.Credential}" } };
                await ResiliencePipelines.For("orchestrator.v1.DataShards/Fetch").ExecuteAsync(
                    async attempt => await CopyAsync(client, headers, shard, content, progress, attempt), cancellationToken);
            }

            File.Move(temporary, file, overwrite: true);
        }
        catch (RpcException answer) when (!cancellationToken.IsCancellationRequested)
        {
            throw new WorkerFaultException(ErrorCode.BadData, $"Shard {shard.Sha256} cannot be had from the coordinator ({answer.StatusCode}): {answer.Status.Detail.TrimEnd('.')}.", answer);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static async Task CopyAsync(
        DataShards.DataShardsClient client, Metadata headers, ShardRef shard, FileStream content, IProgress<ulong> progress, CancellationToken cancellationToken)
    {
        using var call = client.Fetch(new ShardRequest { Shard = shard, Offset = (ulong)content.Position }, headers, cancellationToken: cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            var part = call.ResponseStream.Current;
            if (part.Offset != (ulong)content.Position || part.Offset + (ulong)part.Content.Length > shard.Bytes)
                throw new WorkerFaultException(ErrorCode.BadData, $"Shard {shard.Sha256}: bytes from {part.Offset} came where byte {content.Position} of {shard.Bytes} was due.");
            await content.WriteAsync(part.Content.Memory, cancellationToken);
            progress.Report((ulong)content.Position);
        }
    }
}
