using System.Net;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>What every way between two workers must do.</summary>
public abstract class TensorTransferTests : IAsyncLifetime
{
    internal const string Job = "job-ü";
    private const int MaxBytes = 4 * 1024 * 1024;
    private static readonly TransferLimits Limits = new(MaxBytes, MaxBytes);

    internal abstract TensorInbox Inbox { get; }

    internal abstract AgreementInbox Agreements { get; }

    internal abstract IPeerLink Sender { get; }

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(65_537)]
    [InlineData(OutgoingFrame.MaxPayloadBytes)]
    [InlineData(MaxBytes)]
    public void Send_ATensor_ArrivesAsItWas(int bytes)
    {
        Inbox.Open(Job, 1, Limits);
        var content = Content(bytes, seed: 3);
        Sender.Send(0, Key(1), DType.Bf16, Buffer(content));
        using var received = Inbox.Take(Key(1), Soon());
        Assert.Equal(DType.Bf16, received.DType);
        Assert.True(content.AsSpan().SequenceEqual(received.Buffer.Slice(0, bytes)));
        Assert.Equal((ulong)bytes, Sender.BytesSent);
        Assert.Equal((ulong)bytes, Inbox.BytesReceived(Job));
    }

    [Fact]
    public void Send_ManyTensors_AreTakenInAnyOrder()
    {
        Inbox.Open(Job, 1, Limits);
        for (uint i = 0; i < 20; i++)
            Sender.Send(0, Key(1, i, i % 2 == 0 ? TensorKind.Activation : TensorKind.PartialGradient), DType.F32, Buffer(Content(300_000, (int)i)));
        for (var i = 19; i >= 0; i--)
        {
            using var received = Inbox.Take(Key(1, (uint)i, i % 2 == 0 ? TensorKind.Activation : TensorKind.PartialGradient), Soon());
            Assert.True(Content(300_000, i).AsSpan().SequenceEqual(received.Buffer.Slice(0, 300_000)));
        }
    }

    [Fact]
    public void Send_TheSameTensorTwice_IsDroppedOnce()
    {
        Inbox.Open(Job, 1, Limits);
        Sender.Send(0, Key(1), DType.F32, Buffer(Content(1000, 1)));
        Sender.Send(0, Key(1), DType.F32, Buffer(Content(1000, 1)));
        Sender.Send(0, Key(1, 1), DType.F32, Buffer(Content(1000, 1)));
        Inbox.Take(Key(1, 1), Soon()).Dispose();
        Inbox.Take(Key(1), Soon()).Dispose();
        Assert.Equal(1, Inbox.DuplicatesDropped);
    }

    [Fact]
    public async Task Take_NothingComes_EndsWhenCancelled()
    {
        Inbox.Open(Job, 1, Limits);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => Inbox.Take(Key(1), patience.Token), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Cast_AVoteTwice_IsStoredOnce()
    {
        Agreements.Open(Job, 1);
        var vote = new StepVote { Scope = Scope(), Step = 4, Rank = 1, AllFinite = true };
        Sender.Cast(0, vote);
        Sender.Cast(0, vote);
        Assert.Equal(vote, Agreements.TakeVote(Scope(), 4, 1, Soon()));
    }

    [Fact]
    public void Announce_AVerdict_ComesAsItWas()
    {
        Agreements.Open(Job, 1);
        var verdict = new StepVerdict { Scope = Scope(), Step = 4, Apply = true, GradNorm = 1.25 };
        Sender.Announce(0, verdict);
        Assert.Equal(verdict, Agreements.TakeVerdict(Scope(), 4, Soon()));
    }

    internal static TensorKey Key(ulong step, uint index = 0, TensorKind kind = TensorKind.Activation) => new(Job, 1, step, 1, kind, index);

    internal static unsafe TensorBuffer Buffer(byte[] content)
    {
        fixed (byte* bytes = content)
            return TensorBuffer.CopyOf(bytes, content.Length);
    }

    internal static byte[] Content(int bytes, int seed)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }

    internal static CancellationToken Soon() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    private static JobScope Scope() => new() { Job = Job, Generation = 1, Fence = 5 };
}

public sealed class InMemoryTransferTests : TensorTransferTests
{
    private readonly InMemoryPeers _peers = new();

    internal override TensorInbox Inbox => _peers[0].Tensors;

    internal override AgreementInbox Agreements => _peers[0].Agreements;

    internal override IPeerLink Sender => _peers[1];

    public override ValueTask InitializeAsync() => default;

    public override ValueTask DisposeAsync() => default;

    [Fact]
    public void Deliver_AnOlderGeneration_IsDroppedAndCounted()
    {
        Inbox.Open(Job, 2, new TransferLimits(1000, 1000));
        Sender.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        Assert.Equal(1, Inbox.StaleDropped);
    }
}

public sealed class GrpcTransferTests : TensorTransferTests
{
    private static readonly byte[] Secret = [1, 2, 3];
    private readonly List<Exception> _failures = [];
    private PeerServer _server = null!;
    private GrpcPeerLink _link = null!;

    internal override TensorInbox Inbox => _server.Tensors;

    internal override AgreementInbox Agreements => _server.Agreements;

    internal override IPeerLink Sender => _link;

    public override async ValueTask InitializeAsync()
    {
        _server = await PeerServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), null, TestContext.Current.CancellationToken);
        _server.Access.Open(Job, 1, Secret);
        _link = Link(1, Secret);
    }

    public override async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
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
        _server.Access.Open(Job, 2, Secret);
        _link.Send(0, Key(1), DType.F32, Buffer(Content(10, 1)));
        Assert.Contains("has ended", (await Failure()).Message, StringComparison.Ordinal);
        Assert.Equal(1, _server.Access.StaleRefused);
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
        _server.Access.Open(Job, 1, Secret);
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

    private GrpcPeerLink Link(ulong generation, byte[] secret, string? address = null) => new(
        new PeerIdentity(Job, generation, 1), secret, [new Peer { Rank = 0, Address = address ?? _server.Address }], (_, e) =>
        {
            lock (_failures)
                _failures.Add(e);
        });

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
}
