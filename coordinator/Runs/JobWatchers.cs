using Akka.Actor;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Who is told of a job's states.</summary>
/// <remarks>Owned by the job's entity. Each watcher gets the states in their order; one that equals the state told before is left out.</remarks>
internal sealed class JobWatchers
{
    private readonly HashSet<IActorRef> _watchers = [];
    private JobStatus _told = new();

    /// <summary>Whether a state would be heard by anybody.</summary>
    public bool Any => _watchers.Count > 0;

    /// <summary>False: it watches already.</summary>
    public bool Add(IActorRef watcher) => _watchers.Add(watcher);

    public void Remove(IActorRef watcher) => _watchers.Remove(watcher);

    public void Tell(JobStatus status)
    {
        if (status.Equals(_told))
        {
            return;
        }

        _told = status;
        foreach (var watcher in _watchers)
        {
            watcher.Tell(status);
        }
    }
}
