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

    /// <summary>Rank 0's way to the others, and what rank 1 receives.</summary>
    internal abstract (IPeerLink Root, AgreementInbox Child) RootAndChild();

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    [Theory]
    [InlineData(0)]
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

    /// <summary>A sender may be ahead: what nobody has asked for is not yet part of what was received.</summary>
    [Fact]
    public void Send_ATensorThatNobodyTook_IsNotCounted()
    {
        Inbox.Open(Job, 1, Limits);
        Sender.Send(0, Key(1), DType.F32, Buffer(Content(1000, 1)));
        Sender.Send(0, Key(2), DType.F32, Buffer(Content(10, 2)));
        Inbox.Take(Key(2), Soon()).Dispose();
        Assert.Equal(10UL, Inbox.BytesReceived(Job));
        Inbox.Take(Key(1), Soon()).Dispose();
        Assert.Equal(1010UL, Inbox.BytesReceived(Job));
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
        Assert.Equal(vote, Agreements.TakeVote(Scope(), 4, false, 1, Soon()));
    }

    [Fact]
    public void Announce_AVerdict_ComesAsItWas()
    {
        var (parent, child) = RootAndChild();
        child.Open(Job, 1);
        var verdict = new StepVerdict { Scope = Scope(), Step = 4, Apply = true, GradNorm = 1.25 };
        parent.Announce(1, verdict);
        Assert.Equal(verdict, child.TakeVerdict(Scope(), 4, false, Soon()));
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

    internal static JobScope Scope() => new() { Job = Job, Generation = 1, Fence = 5 };
}
