using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class InMemoryTransferTests : TensorTransferTests
{
    private readonly InMemoryPeers _peers = new();

    internal override TensorInbox Inbox => _peers[0].Tensors;

    internal override AgreementInbox Agreements => _peers[0].Agreements;

    internal override IPeerLink Sender => _peers[1];

    internal override (IPeerLink Root, AgreementInbox Child) RootAndChild() => (_peers[0], _peers[1].Agreements);

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
