using Orchestrator.Protos;

namespace Orchestrator.Worker.Runtime;

/// <summary>A fault with the code and the one sentence that the coordinator and the user are told.</summary>
/// <remarks>Code that meets bad data, a missing library or a lack of memory throws this; the session turns it into a <see cref="Failure"/>.</remarks>
public sealed class WorkerFaultException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorCode Code { get; } = code;
}
