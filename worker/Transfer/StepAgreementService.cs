using Grpc.Core;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Receives the votes of children and the verdicts of the parent.</summary>
/// <remarks>
/// A call speaks for the rank that it proves and for no other; a vote comes from a child in the <see cref="AgreementTree"/>, a verdict from the parent.
/// A second answer to the same question that differs from the first is refused with AlreadyExists: its sender contradicts itself.
/// </remarks>
internal sealed class StepAgreementService(PeerAccess access, AgreementInbox inbox) : StepAgreement.StepAgreementBase
{
    public override Task<VoteReceipt> Cast(StepVote request, ServerCallContext context)
    {
        var call = access.Check(context.RequestHeaders);
        CheckScope(call.Sender, request.Scope);
        if (request.Rank != call.Sender.Rank)
            throw Invalid($"A vote of rank {request.Rank} came from rank {call.Sender.Rank}.");
        if (!AgreementTree.IsParent(call.Receiver, call.Sender.Rank))
            throw Invalid($"Rank {call.Sender.Rank} does not vote at rank {call.Receiver}.");
        return inbox.Deliver(request)
            ? Task.FromResult(new VoteReceipt())
            : throw new RpcException(new Status(StatusCode.AlreadyExists, $"Rank {request.Rank} voted otherwise on step {request.Step} before."));
    }

    public override Task<VerdictReceipt> Announce(StepVerdict request, ServerCallContext context)
    {
        var call = access.Check(context.RequestHeaders);
        CheckScope(call.Sender, request.Scope);
        if (!AgreementTree.IsParent(call.Sender.Rank, call.Receiver))
            throw Invalid($"Rank {call.Sender.Rank} announces nothing to rank {call.Receiver}.");
        return inbox.Deliver(request)
            ? Task.FromResult(new VerdictReceipt())
            : throw new RpcException(new Status(StatusCode.AlreadyExists, $"Another verdict on step {request.Step} was announced before."));
    }

    private static void CheckScope(PeerIdentity sender, JobScope? scope)
    {
        if (scope is null || scope.Job != sender.Job || scope.Generation != sender.Generation)
            throw Invalid("The message is not of the job and generation that the call proves.");
    }

    private static RpcException Invalid(string why) => new(new Status(StatusCode.InvalidArgument, why));
}
