namespace Orchestrator.Worker.Transfer;

/// <summary>Decides when a receiver counts as unreachable: something waits for it, and nothing was heard of it for a while.</summary>
/// <remarks>Pure: moments are the caller's, measured from any start. For one thread at a time.</remarks>
/// <param name="patience">How long.</param>
internal sealed class PeerSilence(TimeSpan patience)
{
    private TimeSpan _since;
    private long _waiting;
    private bool _told;

    /// <summary>A tensor is queued.</summary>
    public void Queued(TimeSpan now)
    {
        if (_waiting++ == 0)
            _since = now;
    }

    /// <summary>The receiver answered, took a stream or a frame.</summary>
    public void Heard(TimeSpan now) => _since = now;

    /// <summary>A tensor's receipt has come.</summary>
    public void Receipted(TimeSpan now) => (_since, _waiting) = (now, _waiting - 1);

    /// <summary>Whether it is to be told now: true once.</summary>
    public bool IsDue(TimeSpan now)
    {
        if (_told || _waiting == 0 || now - _since < patience)
            return false;
        return _told = true;
    }
}
