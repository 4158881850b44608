using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>No worker of this kind attaches there; trying again changes nothing.</summary>
internal sealed class AttachRefusedException : Exception
{
    /// <summary>The coordinator does not want this worker.</summary>
    public AttachRefusedException(Failure failure)
        : base($"The coordinator refuses this worker: {failure.Message}") => Code = failure.Code;

    /// <summary>What answers at <paramref name="address"/> is no coordinator.</summary>
    public AttachRefusedException(Uri address, Exception answer)
        : base($"What answers at {address} is no coordinator ({FailureSentences.Of(answer).Message.TrimEnd('.')}): give --coordinator the address of a coordinator's gRPC port.", answer)
    {
    }

    public ErrorCode Code { get; }
}
