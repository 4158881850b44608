using System.Runtime.InteropServices;
using Google.Protobuf;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Tests.Transfer;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class ShardStoreTests : IAsyncLifetime
{
    private const string Credential = "secret";
    private readonly string _folder = Directory.CreateTempSubdirectory("shards-").FullName;
    private readonly Served _served = new();
    private ShardRef _shard = new();
    private GrpcServer? _server;

    public async ValueTask InitializeAsync()
    {
        _shard = WriteShard();
        _server = await GrpcServer.StartAsync(new Shards(_served));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Cache => Path.Combine(_folder, "cache");

    private string Kept => Path.Combine(Cache, $"{_shard.Sha256}.blob");

    [Fact]
    public async Task Open_WithACache_FetchesOnce()
    {
        for (var i = 0; i < 2; i++)
        {
            using var split = await OpenAsync(Cache);
            Assert.Equal(2, split.Samples);
        }

        Assert.Equal(1, _served.Fetches);
        Assert.Equal([Kept], Directory.GetFiles(Cache));
    }

    [Fact]
    public async Task Open_ConnectionBreaks_GoesOnWhereItStopped()
    {
        _served.BreaksAt = 100;
        using var split = await OpenAsync(Cache);
        Assert.Equal(3, split.Tokens);
        Assert.Equal([0UL, 100UL], _served.Offsets);
    }

    [Theory]
    [InlineData(StatusCode.NotFound)]
    [InlineData(StatusCode.Unauthenticated)]
    public async Task Open_TheCoordinatorHasNone_IsBadDataAndLeavesNothing(StatusCode answer)
    {
        _served.Answer = answer;
        var fault = await Assert.ThrowsAsync<WorkerFaultException>(() => OpenAsync(Cache));
        Assert.Equal(ErrorCode.BadData, fault.Code);
        Assert.Equal($"Shard {_shard.Sha256} cannot be had from the coordinator ({answer}): no.", fault.Message);
        Assert.Empty(Directory.GetFiles(Cache));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Open_AByteFlippedOnTheWay_IsBadDataAndLeavesNothing(bool cached)
    {
        _served.Content[^40] ^= 1;
        var fault = await Assert.ThrowsAsync<WorkerFaultException>(() => OpenAsync(cached ? Cache : null));
        Assert.Equal(ErrorCode.BadData, fault.Code);
        Assert.Equal(1, _served.Fetches);
        Assert.True(!Directory.Exists(Cache) || Directory.GetFiles(Cache).Length == 0);
    }

    [Fact]
    public async Task Open_KeptFileDamaged_IsFetchedOnceAgain()
    {
        Directory.CreateDirectory(Cache);
        byte[] damaged = [.. _served.Content];
        damaged[^40] ^= 1;
        await File.WriteAllBytesAsync(Kept, damaged, TestContext.Current.CancellationToken);
        using var split = await OpenAsync(Cache);
        Assert.Equal(2, split.Samples);
        Assert.Equal(1, _served.Fetches);
        Assert.Equal(_served.Content, await File.ReadAllBytesAsync(Kept, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Open_KeptFileAndItsReplacementDamaged_IsBadDataAfterOneFetch()
    {
        Directory.CreateDirectory(Cache);
        await File.WriteAllBytesAsync(Kept, [1, 2, 3], TestContext.Current.CancellationToken);
        _served.Content[^40] ^= 1;
        var fault = await Assert.ThrowsAsync<WorkerFaultException>(() => OpenAsync(Cache));
        Assert.Equal(ErrorCode.BadData, fault.Code);
        Assert.Equal(1, _served.Fetches);
        Assert.False(File.Exists(Kept));
    }

    [Fact]
    public async Task Open_ADigestThatIsNone_TouchesNoFile()
    {
        _shard.Sha256 = "../" + new string('a', 61);
        Assert.Equal(ErrorCode.BadData, (await Assert.ThrowsAsync<WorkerFaultException>(() => OpenAsync(Cache))).Code);
        Assert.Equal(0, _served.Fetches);
    }

    private Task<SplitReader> OpenAsync(string? cache) =>
        new ShardStore(cache).OpenAsync(_shard, new ShardOrigin(_server!.Address, Credential), new Progress<ulong>(), TestContext.Current.CancellationToken);

    // Two samples of three tokens together.
    private ShardRef WriteShard()
    {
        using var writer = BlobWriter.Create(_folder, "tokens", [], [new("offsets", DType.I64, 3), new("input_ids", DType.I32, 3), new("labels", DType.I32, 3)]);
        writer.Write("offsets", MemoryMarshal.AsBytes<long>([0, 1, 3]));
        writer.Write("input_ids", MemoryMarshal.AsBytes<int>([4, 5, 6]));
        writer.Write("labels", MemoryMarshal.AsBytes<int>([-100, 5, 6]));
        var digest = writer.CompleteByDigest();
        _served.Content = File.ReadAllBytes(digest.Path);
        return new ShardRef { Sha256 = digest.Sha256, Bytes = digest.Bytes, Samples = 2, Tokens = 3 };
    }

    internal sealed class Served
    {
        public byte[] Content { get; set; } = [];

        /// <summary>Where the first fetch breaks; 0: nowhere.</summary>
        public int BreaksAt { get; set; }

        /// <summary>What every fetch is answered with instead.</summary>
        public StatusCode Answer { get; set; }

        public List<ulong> Offsets { get; } = [];

        public int Fetches => Offsets.Count;
    }

    internal sealed class Shards(Served served) : DataShards.DataShardsBase
    {
        private const int PartBytes = 64;

        public override async Task Fetch(ShardRequest request, IServerStreamWriter<ShardPart> responseStream, ServerCallContext context)
        {
            Assert.Equal($"Bearer {Credential}", context.RequestHeaders.GetValue("authorization"));
            if (served.Answer != StatusCode.OK)
                throw new RpcException(new Status(served.Answer, "no."));
            served.Offsets.Add(request.Offset);
            var end = served.Fetches == 1 && served.BreaksAt > 0 ? served.BreaksAt : served.Content.Length;
            for (var at = (int)request.Offset; at < end; at += PartBytes)
            {
                var part = served.Content.AsMemory(at, Math.Min(PartBytes, end - at));
                await responseStream.WriteAsync(new ShardPart { Offset = (ulong)at, Content = ByteString.CopyFrom(part.Span) }, context.CancellationToken);
            }

            if (end < served.Content.Length)
                throw new RpcException(new Status(StatusCode.Unavailable, "broken"));
        }
    }
}
