using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Worker.Sessions;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class PeerTroubleTests
{
    [Fact]
    public void Of_AContradiction_IsNondeterminismWithStepStageAndBothWorkers()
    {
        var trouble = new ContradictionException("vote", 12, new RpcException(new Status(StatusCode.AlreadyExists, "Rank 3 voted otherwise.")));
        var failure = FailureSentences.Of(PeerTrouble.Of(trouble, "worker-3", 1, "worker-1", 1));
        Assert.Equal(ErrorCode.Nondeterminism, failure.Code);
        Assert.StartsWith("nondeterminism detected at step 12, stage 1: the vote that worker-3 sent to worker-1 differs", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_ARefusal_IsThePeersLoss()
    {
        var failure = FailureSentences.Of(PeerTrouble.Of(new RpcException(new Status(StatusCode.Unknown, "Exception was thrown by handler.")), "worker-3", 1, "worker-1", 1));
        Assert.Equal(ErrorCode.PeerUnreachable, failure.Code);
        Assert.StartsWith("worker-1 (rank 1) does not take what worker-3 sends: ", failure.Message, StringComparison.Ordinal);
    }
}
