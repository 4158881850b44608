using Grpc.Core;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Receives the votes of children and the verdicts of the parent.</summary>
internal sealed class StepAgreementService(PeerAccess access, AgreementInbox inbox) : StepAgreement.StepAgreementBase
{
    public override Task<VoteReceipt> Cast(StepVote request, ServerCallContext context)
    {
        var peer = access.Check(context.RequestHeaders);
        CheckScope(peer, request.Scope, request.Rank == peer.Rank);
        return inbox.Deliver(request)
            ? Task.FromResult(new VoteReceipt())
            : throw new RpcException(new Status(StatusCode.AlreadyExists, $"Rank {request.Rank} voted otherwise on step {request.Step} before."));
    }

    public override Task<VerdictReceipt> Announce(StepVerdict request, ServerCallContext context)
    {
        CheckScope(access.Check(context.RequestHeaders), request.Scope, true);
        return inbox.Deliver(request)
            ? Task.FromResult(new VerdictReceipt())
            : throw new RpcException(new Status(StatusCode.AlreadyExists, $"Another verdict on step {request.Step} was announced before."));
    }

    private static void CheckScope(PeerIdentity peer, JobScope? scope, bool own)
    {
        if (!own || scope is null || scope.Job != peer.Job || scope.Generation != peer.Generation)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "The message is not of the rank and generation that the call proves."));
    }
}
