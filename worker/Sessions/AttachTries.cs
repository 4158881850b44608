using Microsoft.Extensions.Logging;

namespace Orchestrator.Worker.Sessions;

/// <summary>Says that no coordinator can be attached to: at the first failed try, then once a minute for as long as it stays so.</summary>
/// <remarks>Used by the session alone.</remarks>
internal sealed class AttachTries(ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    private long? _said;

    /// <summary>A try failed, and another one follows.</summary>
    public void Failed(Uri coordinator, string reason)
    {
        if (_said is { } said && time.GetElapsedTime(said) < Silence)
            return;
        _said = time.GetTimestamp();
        logger.AttachFailed(coordinator, reason);
    }

    /// <summary>A coordinator has admitted this worker: the next failed try is a first one again.</summary>
    public void Succeeded() => _said = null;
}
