using System.Threading.Channels;
using Akka.Actor;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Carries a job's states from its entity into a channel, and completes it after an end state.</summary>
/// <remarks>
/// Lives as long as one call of Watch. It asks again every second: an entity that was moved or started again does not know its watchers, and its
/// answer shows that it lives. An entity that is silent for long (its journal cannot be read or written) ends the channel with <see cref="JobSilentException"/>.
/// </remarks>
internal sealed class JobWatcher : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Repeat = TimeSpan.FromSeconds(1);

    private readonly string _job;
    private readonly IActorRef _region;
    private readonly ChannelWriter<JobStatus> _states;
    private readonly TimeSpan _patience;
    private readonly TimeProvider _clock;
    private JobStatus? _last;
    private long _heardAt;

    public JobWatcher(string job, IActorRef region, ChannelWriter<JobStatus> states, TimeSpan patience, TimeProvider clock)
    {
        (_job, _region, _states, _patience, _clock) = (job, region, states, patience, clock);
        _heardAt = clock.GetTimestamp();
        Receive<Tick>(_ => Ask());
        Receive<JobStatus>(Hear);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Self.Tell(Tick.Instance);
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Repeat);
    }

    private void Ask()
    {
        if (_clock.GetElapsedTime(_heardAt) < _patience)
        {
            _region.Tell(new WatchJob { Job = _job });
            return;
        }

        _states.TryComplete(new JobSilentException(_job, _patience));
        Context.Stop(Self);
    }

    private void Hear(JobStatus status)
    {
        _heardAt = _clock.GetTimestamp();
        if (status.Equals(_last))
        {
            return;
        }

        _last = status;
        _states.TryWrite(status);
        if (JobStates.HasEnded(status.State) || status.State == JobState.Unspecified)
        {
            _states.TryComplete();
            Context.Stop(Self);
        }
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }
}
