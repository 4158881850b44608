using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>The coordinator does not want this worker; trying again changes nothing.</summary>
internal sealed class AttachRefusedException(Failure failure) : Exception(failure.Message)
{
    public ErrorCode Code { get; } = failure.Code;
}
