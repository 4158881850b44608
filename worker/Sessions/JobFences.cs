using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>The highest fence and generation of each job that this worker has seen: commands of older ones are refused.</summary>
/// <remarks>Session loop only. A job is never forgotten before its release; of the released ones the last are remembered, so that late commands stay refused.</remarks>
internal sealed class JobFences
{
    /// <summary>How many released jobs are remembered.</summary>
    public const int KeptReleased = 4096;

    private readonly Dictionary<string, (ulong Fence, ulong Generation)> _highest = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _releases = new(StringComparer.Ordinal);
    private readonly Queue<(string Job, long Release)> _order = new();
    private long _lastRelease;

    /// <summary>Commands that were dropped.</summary>
    public long StaleDropped { get; private set; }

    /// <summary>Whether a command may be obeyed; if so its fence and generation are the least from now on.</summary>
    public bool Admit(JobScope scope)
    {
        if (_highest.TryGetValue(scope.Job, out var seen) && (scope.Fence < seen.Fence || scope.Generation < seen.Generation))
        {
            StaleDropped++;
            return false;
        }

        _highest[scope.Job] = (scope.Fence, scope.Generation);
        _releases.Remove(scope.Job);
        return true;
    }

    /// <summary>The job is not served here any more: it may be forgotten once enough others were released after it.</summary>
    public void Release(string job)
    {
        if (!_highest.ContainsKey(job))
            return;
        _releases[job] = ++_lastRelease;
        _order.Enqueue((job, _lastRelease));
        while (_order.Count > KeptReleased)
        {
            // An entry of a job that was admitted again since, or released again later, says nothing.
            var (oldest, release) = _order.Dequeue();
            if (_releases.TryGetValue(oldest, out var last) && last == release)
            {
                _releases.Remove(oldest);
                _highest.Remove(oldest);
            }
        }
    }
}
