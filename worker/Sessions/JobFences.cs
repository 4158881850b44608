using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>The highest fence and generation of each job that this worker has seen: commands of older ones are refused.</summary>
/// <remarks>Session loop only. Remembers the jobs seen last, also after their release.</remarks>
internal sealed class JobFences
{
    private const int KeptJobs = 4096;
    private readonly Dictionary<string, (ulong Fence, ulong Generation)> _highest = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    /// <summary>Commands that were dropped.</summary>
    public long StaleDropped { get; private set; }

    /// <summary>Whether a command may be obeyed; if so its fence and generation are the least from now on.</summary>
    public bool Admit(JobScope scope)
    {
        if (_highest.TryGetValue(scope.Job, out var seen))
        {
            if (scope.Fence < seen.Fence || scope.Generation < seen.Generation)
            {
                StaleDropped++;
                return false;
            }
        }
        else
        {
            Remember(scope.Job);
        }

        _highest[scope.Job] = (scope.Fence, scope.Generation);
        return true;
    }

    private void Remember(string job)
    {
        _order.Enqueue(job);
        if (_order.Count > KeptJobs)
            _highest.Remove(_order.Dequeue());
    }
}
