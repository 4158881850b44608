using System.Net;
using System.Runtime.InteropServices;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.BaseCache;
using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Sessions;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Tests.Models;
using Orchestrator.Worker.Tests.Sessions;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>Quantized weights from one worker's cache to another's.</summary>
public sealed class BaseWeightTransferTests : IAsyncLifetime
{
    private const ulong Most = 1 << 24;
    private static readonly byte[] Secret = [1, 2, 3];
    private static readonly QuantizationSpec Nested = new() { Type = QuantizationType.Nf4, BlockSize = 64, DoubleQuant = true };
    private static readonly BaseKey Key = new(new string('a', 64));

    private readonly string _folder = Directory.CreateTempSubdirectory("base-transfer-").FullName;
    private PeerServer _giver = null!;

    private BaseWeightCache Given => new(Path.Combine(_folder, "giver"));

    private BaseWeightCache Taken => new(Path.Combine(_folder, "taker"));

    private int Port => new Uri(_giver.Address).Port;

    public async ValueTask InitializeAsync()
    {
        _giver = await PeerServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), null, TestContext.Current.CancellationToken);
        _giver.Weights.Cache = Given;
        _giver.Weights.Open("job", Secret);
    }

    public async ValueTask DisposeAsync()
    {
        await _giver.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Fetch_OfAWeightThatIsThere_BringsTheSameFile()
    {
        Keep();
        Assert.True(await TakeAsync(_giver.Address));
        Assert.Equal(File.ReadAllBytes(Given.PathOf(Key)), File.ReadAllBytes(Taken.PathOf(Key)));
    }

    [Fact]
    public async Task Fetch_ConnectionBreaks_GoesOnWhereItStopped()
    {
        Keep();
        var breaking = new Breaking(File.ReadAllBytes(Given.PathOf(Key)));
        await using var server = await GrpcServer.StartAsync(breaking);
        Assert.True(await TakeAsync(server.Address.ToString()));
        Assert.Equal([0UL, 1000UL], breaking.Offsets);
        Assert.Equal(breaking.Content, File.ReadAllBytes(Taken.PathOf(Key)));
    }

    [Fact]
    public async Task Fetch_OfAWeightThatIsNotThere_SaysSo()
    {
        Assert.False(await TakeAsync(_giver.Address));
        AssertNothingTaken();
    }

    [Fact]
    public async Task Fetch_OfADamagedWeight_IsRefusedByTheTakerAndLeavesNothing()
    {
        Keep();
        var bytes = File.ReadAllBytes(Given.PathOf(Key));
        bytes[^1000] ^= 1;
        File.WriteAllBytes(Given.PathOf(Key), bytes);
        await Assert.ThrowsAsync<BlobFormatException>(() => TakeAsync(_giver.Address));
        AssertNothingTaken();
    }

    [Fact]
    public async Task Fetch_OfABlobThatIsTooLong_IsRefused()
    {
        Keep();
        await Assert.ThrowsAsync<InvalidDataException>(() => TakeAsync(_giver.Address, most: 1000));
        AssertNothingTaken();
    }

    [Fact]
    public async Task Fetch_WithoutRoomForIt_TakesNothing()
    {
        Keep();
        using var client = new BaseWeightClient(_giver.Address, "job", Secret);
        var small = new BaseWeightCache(Path.Combine(_folder, "taker"), limitBytes: 1000).Begin("taker");
        Assert.False(await small.ReceiveAsync(Key, Most, target => client.FetchAsync(Key, target, Most, () => { }, TestContext.Current.CancellationToken)));
        Assert.True(small.NeedsNone(Key));
        AssertNothingTaken();
    }

    [Theory]
    [InlineData("job", new byte[] { 1, 2, 4 })]
    [InlineData("another job", new byte[] { 1, 2, 3 })]
    [InlineData("open to all", new byte[0])]
    public async Task Fetch_ByWhoeverDoesNotKnowTheSecret_IsRefused(string job, byte[] secret)
    {
        Keep();
        // A coordinator that gives no secret lets nobody in.
        _giver.Weights.Open("open to all", []);
        var refused = await Assert.ThrowsAsync<RpcException>(() => TakeAsync(_giver.Address, job, secret));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        _giver.Weights.Close("job");
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => TakeAsync(_giver.Address))).StatusCode);
    }

    [Fact]
    public async Task Fetch_OfWhatIsNoKey_TouchesNoFile()
    {
        File.WriteAllText(Path.Combine(_folder, "secret.blob"), "not to be had");
        using var client = new BaseWeightClient(_giver.Address, "job", Secret);
        using var target = new MemoryStream();
        var refused = await Assert.ThrowsAsync<RpcException>(() => client.FetchAsync(new BaseKey("../../secret"), target, Most, () => { }, TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
    }

    [Fact]
    public async Task Fetch_FromAWorkerThatHangs_IsGivenUp()
    {
        Keep();
        await using var proxy = new HalfOpenProxy(Port, (_, _, _) => false);
        using var client = new BaseWeightClient($"http://127.0.0.1:{proxy.Port}", "job", Secret, TimeSpan.FromMilliseconds(300));
        using var target = new MemoryStream();
        var fetching = client.FetchAsync(Key, target, Most, () => { }, TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetching.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    /// <summary>A stage of which another worker has the first layers: the dead holder is passed over, and the file gives what is left.</summary>
    [Fact]
    public async Task Load_WithAHolderOfSomeLayers_ReadsTheOthersFromTheFile()
    {
        using var model = new RandomModel(hidden: 64, inner: 160, layers: 3, heads: 4, vocabulary: 128);
        var spec = GoldenFiles.Stage(model.Folder, Weights.Nf4Double);
        new LoadedStage(spec, baseLoad: Given.Begin("giver")).Dispose();
        var command = new LoadStage { Scope = new JobScope { Job = "job" }, Stage = spec, BaseSecret = Google.Protobuf.ByteString.CopyFrom(Secret) };
        command.Holders.Add(new BaseHolder { Worker = new WorkerIdentity { WorkerId = "gone" }, Address = "http://127.0.0.1:1", FirstLayer = 0, LastLayer = 2 });
        command.Holders.Add(new BaseHolder { Worker = new WorkerIdentity { WorkerId = "giver" }, Address = _giver.Address, FirstLayer = 0, LastLayer = 1 });
        var load = Taken.Begin("taker");
        var log = new LoggedLines();
        await BaseFetching.RunAsync(command, load, new StageActivity(), log, TestContext.Current.CancellationToken);
        // It is asked once, and not for every weight again.
        Assert.StartsWith("Warning: Job job: gone gives no weights", Assert.Single(log.Lines), StringComparison.Ordinal);
        using var stage = new LoadedStage(spec, baseLoad: load);
        var quantized = spec.Base.Where(slice => slice.Quantize).Aggregate(0UL, (sum, slice) => sum + slice.Length);
        Assert.Equal(model.Bytes - (quantized / 3 * 2), stage.Model.Sources.Read);
        Assert.Equal(0UL, stage.Model.Sources.Cached);
        Assert.InRange(stage.Model.Sources.Received, quantized / 3 * 2 / 5, quantized / 3 * 2 / 3);
        // What came is there for the next life, and what was read, too.
        using var again = new LoadedStage(spec, baseLoad: Taken.Begin("next life"));
        Assert.Equal((model.Bytes - quantized, 0UL), (again.Model.Sources.Read, again.Model.Sources.Received));
    }

    private void Keep()
    {
        var random = new Random(1);
        var values = Enumerable.Range(0, 1024 * 1024).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        using var matrix = QuantizedMatrix.Quantize(MemoryMarshal.AsBytes<float>(values), DType.F32, [1024, 1024], Nested, "w");
        Given.Begin("giver").Keep(Key, matrix);
    }

    private async Task<bool> TakeAsync(string address, string job = "job", byte[]? secret = null, ulong most = Most)
    {
        using var client = new BaseWeightClient(address, job, secret ?? Secret);
        return await Taken.Begin("taker").ReceiveAsync(Key, Most, target => client.FetchAsync(Key, target, most, () => { }, TestContext.Current.CancellationToken));
    }

    private void AssertNothingTaken() =>
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder, "taker"), "*", new EnumerationOptions { AttributesToSkip = FileAttributes.None, RecurseSubdirectories = true }));

    /// <summary>A worker whose first answer breaks off after 1000 bytes.</summary>
    internal sealed class Breaking(byte[] content) : BaseWeights.BaseWeightsBase
    {
        public byte[] Content => content;

        public List<ulong> Offsets { get; } = [];

        public override async Task Fetch(BaseWeightRequest request, IServerStreamWriter<BaseWeightPart> responseStream, ServerCallContext context)
        {
            Offsets.Add(request.Offset);
            var end = Offsets.Count == 1 ? 1000 : content.Length;
            var part = new BaseWeightPart { Offset = request.Offset, Total = (ulong)content.Length, Content = Google.Protobuf.ByteString.CopyFrom(content, (int)request.Offset, end - (int)request.Offset) };
            await responseStream.WriteAsync(part, context.CancellationToken);
            if (end < content.Length)
                throw new RpcException(new Status(StatusCode.Unavailable, "broken"));
        }
    }
}
