using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Mirrors;
using Orchestrator.Worker.Tests.Adapters;
using Orchestrator.Worker.Transfer;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Mirrors;

public sealed class MirrorStoreTests : IDisposable
{
    private readonly AdapterState _state = AdapterState.Create(AdapterStateTests.Stage(AdapterStateTests.Module(0, 6, 4, 2, 0)), torch.CPU);
    private readonly AdapterHistory _history;
    private readonly MirrorStore _store = new();
    private readonly TensorInbox _inbox = new();

    public MirrorStoreTests()
    {
        _history = new AdapterHistory(_state.Layout);
        _store.Open(3, sender: 1, limitBytes: 1 << 20);
        _inbox.Open("j", 3, new TransferLimits(0, 0), _store);
    }

    public void Dispose()
    {
        _store.Dispose();
        _history.Dispose();
        _state.Dispose();
    }

    /// <summary>From the sender's history through the inbox into the store, and out of it into another state.</summary>
    [Fact]
    public void Mirror_OfTheStatesAfterThreeSteps_HoldsTheLastTwoWithTheirBits()
    {
        var mirror = Mirror(new Link(_inbox));
        for (ulong step = 1; step <= 3; step++)
        {
            using (torch.no_grad())
                _state.Moments[1].Add(1);
            var hash = _history.Keep(_state, step).Hash();
            mirror.Begin(step);
            mirror.Await(step, TestContext.Current.CancellationToken);
            Assert.Equal(hash, _store.States()[^1].Hash.ToByteArray());
        }

        Assert.Equal([(2UL, 4U, 6U), (3UL, 4U, 6U)], _store.States().Select(state => (state.Step, state.FirstLayer, state.LastLayer)));
        using var piece = _store.Find(3, 0)!;
        using var again = AdapterSnapshot.Allocate(_state.Layout, _state.Moments.Count);
        LayerPieces.Put(piece, again, _state.Layout.Layers[0]);
        Assert.Equal(_state.Hash(), again.Hash());
        Assert.Equal((true, false, false), (_store.Holds(3, 0), _store.Holds(3, 1), _store.Holds(1, 0)));
        Assert.Null(_store.Find(1, 0));
        Assert.Null(_store.Find(3, 1));
    }

    [Fact]
    public async Task Await_UntilEverythingHasArrived_WaitsAndCanBeGivenUp()
    {
        var link = new Link(_inbox) { Held = [] };
        var mirror = Mirror(link);
        _history.Keep(_state, 1);
        mirror.Begin(1);
        Assert.True(SpinWait.SpinUntil(() => link.Held.Count == 2, TimeSpan.FromSeconds(30)));
        using var patience = new CancellationTokenSource();
        link.Held[0]();
        var waiting = Task.Run(() => mirror.Await(1, patience.Token), TestContext.Current.CancellationToken);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        link.Held[1]();
        mirror.Await(1, TestContext.Current.CancellationToken);
        Assert.Throws<InvalidOperationException>(() => mirror.Await(2, CancellationToken.None));
    }

    /// <summary>A bit that was flipped in this worker's memory: the state is no state.</summary>
    [Fact]
    public unsafe void States_OfADamagedOne_LeaveItOut()
    {
        var mirror = Mirror(new Link(_inbox));
        _history.Keep(_state, 1);
        mirror.Begin(1);
        mirror.Await(1, TestContext.Current.CancellationToken);
        Assert.Single(_store.States());
        using (var piece = _store.Find(1, 0)!)
            piece.Pointer[5] ^= 4;
        Assert.Empty(_store.States());
        Assert.Null(_store.Find(1, 0));
    }

    [Fact]
    public void Foresee_OfAnotherSenderOrGeneration_IsRefused()
    {
        TensorKey Key(ulong generation, uint sender) => new("j", generation, 1, sender, TensorKind.Mirror, 0);
        Assert.Equal(Arrival.Accepted, _inbox.Foresee(Key(3, 1), out var limit));
        Assert.Equal(1UL << 20, limit);
        _inbox.Foresee(Key(3, 2), out limit);
        Assert.Null(limit);
        Assert.Equal(Arrival.Stale, _inbox.Foresee(Key(2, 1), out _));
    }

    /// <summary>The generation may end between the question and the tensor's last byte.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void Take_OfAnotherSenderOrGeneration_IsDropped(ulong generation, uint sender)
    {
        var key = new TensorKey("j", generation, 1, sender, TensorKind.Mirror, 0);
        Assert.Equal(Arrival.Stale, _store.Take(key, new ReceivedTensor(DType.F32, new TensorBuffer(60))));
        Assert.False(_store.Knows(key));
    }

    [Fact]
    public void Take_OfMoreThanAWholeJobsState_IsRefused()
    {
        _store.Open(3, sender: 1, limitBytes: 100);
        _inbox.Deliver(new TensorKey("j", 3, 1, 1, TensorKind.Mirror, 0), new ReceivedTensor(DType.F32, new TensorBuffer(60)));
        Assert.Throws<TensorFrameException>(() => _inbox.Deliver(new TensorKey("j", 3, 1, 1, TensorKind.Mirror, 1), new ReceivedTensor(DType.F32, new TensorBuffer(60))));
    }

    private PeerMirror Mirror(IPeerLink link) => new(_history, link, new JobScope { Job = "j", Generation = 3 }, rank: 1, partner: 2, (4, 6));

    // Delivers at once; tells so at once, or when the test does.
    private sealed class Link(TensorInbox inbox) : IPeerLink
    {
        public List<Action> Held { get; init; } = null!;

        public ulong BytesSent => 0;

        public void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null)
        {
            Assert.Equal((2U, 1U), (receiver, key.Sender));
            inbox.Deliver(key, new ReceivedTensor(dtype, buffer));
            if (Held is null)
                received!();
            else
                Held.Add(received!);
        }

        public void Cast(uint parent, StepVote vote) => throw new NotSupportedException();

        public void Announce(uint child, StepVerdict verdict) => throw new NotSupportedException();
    }
}
