using System.Collections.Concurrent;
using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>Workers of one process that hand each other tensors and votes directly.</summary>
internal sealed class InMemoryPeers
{
    private readonly ConcurrentDictionary<uint, InMemoryPeer> _peers = new();

    public InMemoryPeer this[uint rank] => _peers.GetOrAdd(rank, _ => new InMemoryPeer(this));

    public InMemoryPeer this[int rank] => this[(uint)rank];
}

/// <summary>One of them: its inboxes, and its way to the others.</summary>
internal sealed class InMemoryPeer(InMemoryPeers peers) : IPeerLink
{
    private long _gradientBytes;
    private long _sent;

    public TensorInbox Tensors { get; } = new();

    public AgreementInbox Agreements { get; } = new();

    public long GradientBytesReceived => Interlocked.Read(ref _gradientBytes);

    public ulong BytesSent => (ulong)Interlocked.Read(ref _sent);

    public void Send(uint receiver, in TensorKey key, DType dtype, TensorBuffer buffer, Action? received = null)
    {
        Interlocked.Add(ref _sent, buffer.Bytes);
        if (key.Kind is TensorKind.PartialGradient or TensorKind.ReducedGradient)
            Interlocked.Add(ref peers[receiver]._gradientBytes, buffer.Bytes);
        peers[receiver].Tensors.Deliver(key, new ReceivedTensor(dtype, buffer));
        received?.Invoke();
    }

    public void Cast(uint parent, StepVote vote) => Assert.True(peers[parent].Agreements.Deliver(vote.Clone()));

    public void Announce(uint child, StepVerdict verdict) => Assert.True(peers[child].Agreements.Deliver(verdict.Clone()));
}
