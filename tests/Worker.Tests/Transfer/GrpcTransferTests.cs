using System.Net;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class GrpcTransferTests : TensorTransferTests
{
    private const int NumRanks = 4;
    private static readonly byte[] Secret = [1, 2, 3];
    private readonly List<Exception> _failures = [];
    private PeerServer _server = null!;
    private GrpcPeerLink _link = null!;
    private GrpcPeerLink? _root;

    internal override TensorInbox Inbox => _server.Tensors;

    internal override AgreementInbox Agreements => _server.Agreements;

    internal override IPeerLink Sender => _link;

    // The server takes the child's part.
    internal override (IPeerLink Root, AgreementInbox Child) RootAndChild()
    {
        _server.Access.Open(new PeerIdentity(Job, 1, 1), NumRanks, Secret);
        return (_root = Link(0, Secret), Agreements);
    }

    public override async ValueTask InitializeAsync()
    {
        _server = await PeerServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), null, TestContext.Current.CancellationToken);
        _server.Access.Open(new PeerIdentity(Job, 1, 0), NumRanks, Secret);
        _link = Link(1, Secret);
    }

    public override async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        if (_root is not null)
            await _root.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Send_AnotherSecret_IsRefused()
    {
        Inbox.Open(Job, 1, new TransferLimits(1000, 1000));
        await using var stranger = Link(1, [9, 9, 9]);
        stranger.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        Assert.Contains("secret", (await Failure()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_AnEndedGeneration_IsRefusedAndCounted()
    {
        _server.Access.Open(new PeerIdentity(Job, 2, 0), NumRanks, Secret);
        _link.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        Assert.Contains("has ended", (await Failure()).Message, StringComparison.Ordinal);
        Assert.Equal(1, _server.Access.StaleRefused);
    }

    /// <summary>The generation ended here after the stream was let in: before a mirrored state, or while it came.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public async Task Send_AMirrorOfAnEndedGeneration_HasNoReceipt(ulong open)
    {
        Inbox.Open(Job, open, new TransferLimits(1000, 1000), new LateKeeper());
        var receipts = 0;
        _link.Send(0, Key(1, 0, TensorKind.Mirror), DType.F32, Buffer(Content(10, 1)), () => Interlocked.Increment(ref receipts));
        Assert.True(PeerAccess.HasEnded(Assert.IsType<RpcException>(await Failure())));
        Assert.Equal((0, 1L), (Volatile.Read(ref receipts), Inbox.StaleDropped));
    }

    /// <summary>Nobody listens there: it is told once, and what waits arrives when somebody does.</summary>
    [Fact]
    public async Task Send_ToNobody_IsToldOnceAndTriedOn()
    {
        Inbox.Open(Job, 1, new TransferLimits(1000, 1000));
        var silent = true;
        await using var proxy = new HalfOpenProxy(new Uri(_server.Address).Port, (_, _, _) => !Volatile.Read(ref silent));
        await using var link = Link(1, Secret, $"http://127.0.0.1:{proxy.Port}", TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.2));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.Empty(_failures);
        link.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        Assert.Equal("Nothing was heard of it for 0.2 s.", Assert.IsType<RpcException>(await Failure()).Status.Detail);
        Volatile.Write(ref silent, false);
        Inbox.Take(Key(1), Soon()).Dispose();
        Assert.Single(_failures);
    }

    [Fact]
    public async Task Send_MoreThanTheLimit_EndsTheStreamWithoutAllocating()
    {
        Inbox.Open(Job, 1, new TransferLimits(1000, 1000));
        _link.Send(0, Key(1), DType.F32, Buffer(Content(1001, 1)));
        Assert.Contains("more than the job allows", (await Failure()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_ReceiverStartsLater_IsSentAgainUntilItTakes()
    {
        _server.Access.Close(Job);
        _link.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Inbox.Open(Job, 1, new TransferLimits(1000, 1000));
        _server.Access.Open(new PeerIdentity(Job, 1, 0), NumRanks, Secret);
        Inbox.Take(Key(1), Soon()).Dispose();
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task Send_ConnectionsBreak_WholeTensorsAreSentAgain()
    {
        Inbox.Open(Job, 1, new TransferLimits(1 << 20, 1 << 20));
        await using var proxy = new BreakingProxy(new Uri(_server.Address).Port, bytesBeforeBreak: 1_500_000);
        await using var link = Link(1, Secret, $"http://127.0.0.1:{proxy.Port}");
        for (uint i = 0; i < 12; i++)
            link.Send(0, Key(1, i), DType.F32, Buffer(Content(700_000, (int)i)));
        for (uint i = 0; i < 12; i++)
        {
            using var received = Inbox.Take(Key(1, i), Soon());
            Assert.True(Content(700_000, (int)i).AsSpan().SequenceEqual(received.Buffer.Slice(0, 700_000)));
        }

        Assert.True(proxy.Breaks > 0);
        Assert.Empty(_failures);
    }

    /// <summary>A connection that takes bytes and delivers none of them: from the start, and in the middle of a tensor.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(400_000)]
    public async Task Send_OverAConnectionThatIsHalfOpen_GoesOverANewOne(long after)
    {
        Inbox.Open(Job, 1, new TransferLimits(1 << 20, 1 << 20));
        await using var proxy = new HalfOpenProxy(new Uri(_server.Address).Port, (connection, at, bytes) => connection > 0 || at + bytes.Length <= after);
        await using var link = Link(1, Secret, $"http://127.0.0.1:{proxy.Port}", TimeSpan.FromSeconds(0.5));
        var received = 0;
        for (uint i = 0; i < 2; i++)
            link.Send(0, Key(1, i), DType.F32, Buffer(Content(700_000, (int)i)), () => Interlocked.Increment(ref received));
        for (uint i = 0; i < 2; i++)
        {
            using var tensor = Inbox.Take(Key(1, i), Soon());
            Assert.True(Content(700_000, (int)i).AsSpan().SequenceEqual(tensor.Buffer.Slice(0, 700_000)));
        }

        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref received) == 2, TimeSpan.FromSeconds(20)));
        Assert.True(proxy.Connections > 1);
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task Send_NothingForLongerThanThePatience_StaysOnItsConnection()
    {
        Inbox.Open(Job, 1, new TransferLimits(1000, 1000));
        await using var proxy = new HalfOpenProxy(new Uri(_server.Address).Port, (_, _, _) => true);
        await using var link = Link(1, Secret, $"http://127.0.0.1:{proxy.Port}", TimeSpan.FromSeconds(0.2));
        for (uint i = 0; i < 3; i++)
        {
            link.Send(0, Key(1, i), DType.F32, Buffer(Content(10, 1)));
            Inbox.Take(Key(1, i), Soon()).Dispose();
            await Task.Delay(400, TestContext.Current.CancellationToken);
        }

        Assert.Equal(1, proxy.Connections);
    }

    [Fact]
    public async Task Send_WithABitFlippedOnTheWay_IsSentAgainAndCounted()
    {
        Inbox.Open(Job, 1, new TransferLimits(1 << 20, 1 << 20));
        var flipped = 0;
        await using var proxy = new HalfOpenProxy(new Uri(_server.Address).Port, (_, at, bytes) =>
        {
            // Deep in the payload of the first large read: past HTTP/2's frame headers.
            if (at > 20_000 && bytes.Length > 8_000 && Interlocked.Exchange(ref flipped, 1) == 0)
                bytes.Span[5_000] ^= 8;
            return true;
        });
        await using var link = Link(1, Secret, $"http://127.0.0.1:{proxy.Port}");
        link.Send(0, Key(1), DType.F32, Buffer(Content(900_000, 4)));
        using var tensor = Inbox.Take(Key(1), Soon());
        Assert.True(Content(900_000, 4).AsSpan().SequenceEqual(tensor.Buffer.Slice(0, 900_000)));
        Assert.Equal(1, flipped);
        Assert.Equal(1, Inbox.CorruptFrames);
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task Send_ByARankOutsideTheLayout_IsRefused()
    {
        Inbox.Open(Job, 1, new TransferLimits(1000, 1000));
        await using var stranger = Link(NumRanks, Secret);
        stranger.Send(0, Key(1) with { Sender = NumRanks }, DType.F32, Buffer(Content(10, 1)));
        Assert.Contains($"Rank {NumRanks} is no other worker", Refusal(await Failure()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cast_InTheNameOfThisWorkerItself_IsRefused()
    {
        Agreements.Open(Job, 1);
        await using var stranger = Link(0, Secret);
        stranger.Cast(0, new StepVote { Scope = Scope(), Step = 4, Rank = 0 });
        Assert.Contains("Rank 0 is no other worker", Refusal(await Failure()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 2, "A vote of rank 2 came from rank 1.")]
    [InlineData(3, 3, "Rank 3 does not vote at rank 0.")]
    public async Task Cast_AVoteThatIsNotTheSendersToCast_IsRefused(uint sender, uint rank, string why)
    {
        Agreements.Open(Job, 1);
        await using var stranger = Link(sender, Secret);
        stranger.Cast(0, new StepVote { Scope = Scope(), Step = 4, Rank = rank });
        Assert.Equal(why, Refusal(await Failure()));
    }

    [Fact]
    public async Task Announce_ByAnotherThanTheParent_IsRefused()
    {
        Agreements.Open(Job, 1);
        _link.Announce(0, new StepVerdict { Scope = Scope(), Step = 4 });
        Assert.Equal("Rank 1 announces nothing to rank 0.", Refusal(await Failure()));
    }

    [Fact]
    public async Task Cast_AVoteThatContradictsAnEarlierOne_IsToldAsAContradiction()
    {
        Agreements.Open(Job, 1);
        _link.Cast(0, new StepVote { Scope = Scope(), Step = 4, Rank = 1, AllFinite = true });
        Agreements.TakeVote(Scope(), 4, false, 1, Soon());
        _link.Cast(0, new StepVote { Scope = Scope(), Step = 4, Rank = 1, AllFinite = false });
        var contradiction = Assert.IsType<ContradictionException>(await Failure());
        Assert.Equal(("vote", 4UL), (contradiction.What, contradiction.Step));
    }

    [Fact]
    public async Task Announce_AVerdictThatContradictsAnEarlierOne_IsToldAsAContradiction()
    {
        var (parent, child) = RootAndChild();
        child.Open(Job, 1);
        parent.Announce(1, new StepVerdict { Scope = Scope(), Step = 4, Apply = true, GradNorm = 1 });
        child.TakeVerdict(Scope(), 4, false, Soon());
        parent.Announce(1, new StepVerdict { Scope = Scope(), Step = 4, Apply = true, GradNorm = 2 });
        Assert.Equal("verdict", Assert.IsType<ContradictionException>(await Failure()).What);
    }

    [Fact]
    public async Task Send_ReceiverFailsInside_IsItsLossAndNotRepeatedForEver()
    {
        var failing = new FailingTransfer();
        await using var server = await GrpcServer.StartAsync(failing);
        await using var link = Link(1, Secret, server.Address.ToString());
        link.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        Assert.Equal(StatusCode.Unknown, Assert.IsType<RpcException>(await Failure()).StatusCode);
        Assert.Equal(1, failing.Calls);
    }

    // Every rank is reached at the one server.
    private GrpcPeerLink Link(uint rank, byte[] secret, string? address = null, TimeSpan? stallPatience = null, TimeSpan? silencePatience = null) => new(
        new PeerIdentity(Job, 1, rank), secret, [.. Enumerable.Range(0, NumRanks).Select(peer => new Peer { Rank = (uint)peer, Address = address ?? _server.Address })], (_, e) =>
        {
            lock (_failures)
                _failures.Add(e);
        }, stallPatience, silencePatience);

    private static string Refusal(Exception failure)
    {
        var refused = Assert.IsType<RpcException>(failure);
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        return refused.Status.Detail;
    }

    private async Task<Exception> Failure()
    {
        for (var i = 0; i < 400; i++)
        {
            lock (_failures)
            {
                if (_failures.Count > 0)
                    return _failures[0];
            }

            await Task.Delay(25, TestContext.Current.CancellationToken);
        }

        throw new TimeoutException("no failure was told");
    }

    // Its generation ends between the last frame and the delivery.
    private sealed class LateKeeper : IMirrorKeeper
    {
        public ulong? LimitOf(in TensorKey key) => 1000;

        public bool Knows(in TensorKey key) => false;

        public Arrival Take(in TensorKey key, ReceivedTensor tensor)
        {
            tensor.Dispose();
            return Arrival.Stale;
        }
    }
}
