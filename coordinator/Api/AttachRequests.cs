using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Api;

/// <summary>Checks the first message of a worker's stream and maps it to a member of the fleet.</summary>
internal static class AttachRequests
{
    private const int MaxNameLength = 128;

    /// <summary>The worker, or the failure to answer with.</summary>
    public static (AttachedWorker? Worker, Failure? Failure) Read(WorkerMessage? first, AccessTokens tokens)
    {
        if (first?.BodyCase != WorkerMessage.BodyOneofCase.Attach)
        {
            return Refused(ErrorCode.BadData, "The first message of a worker's stream must be its attach request.");
        }

        var attach = first.Attach;
        if (!tokens.AdmitsWorker(attach.JoinToken))
        {
            return Refused(ErrorCode.Unauthenticated, "The join token is wrong; take the one that this coordinator gave out.");
        }

        if (attach.Worker is not { WorkerId.Length: > 0 and <= MaxNameLength, Incarnation: > 0 })
        {
            return Refused(ErrorCode.BadData, $"A worker needs a name of 1 to {MaxNameLength} characters and an incarnation from 1.");
        }

        if (attach.NumericClass is null)
        {
            return Refused(ErrorCode.BadData, $"{attach.Worker.WorkerId} names no numeric class.");
        }

        if (!Uri.TryCreate(attach.PeerAddress, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            return Refused(ErrorCode.BadData, $"The peer address '{attach.PeerAddress}' of {attach.Worker.WorkerId} is no http address.");
        }

        return (new AttachedWorker(
            WorkerKey.Of(attach.Worker), attach.NumericClass, attach.PeerAddress, attach.MemoryLimitBytes, attach.Device, attach.FastBfloat16), null);
    }

    private static (AttachedWorker?, Failure?) Refused(ErrorCode code, string message) => (null, new Failure { Code = code, Message = message });
}
