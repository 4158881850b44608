using System.Threading.Channels;
using Akka.Actor;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Carries a job's states from its entity into a channel, and completes it after an end state.</summary>
/// <remarks>
/// Lives as long as one call of Watch. It asks again every second: an entity that was moved or started again does not know its
/// watchers, and a repeated question of a known watcher is answered with nothing new.
/// </remarks>
internal sealed class JobWatcher : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Repeat = TimeSpan.FromSeconds(1);

    public JobWatcher(string job, IActorRef region, ChannelWriter<JobStatus> states)
    {
        Receive<Tick>(_ => region.Tell(new WatchJob { Job = job }));
        Receive<JobStatus>(status =>
        {
            states.TryWrite(status);
            if (JobStates.HasEnded(status.State) || status.State == JobState.Unspecified)
            {
                states.TryComplete();
                Context.Stop(Self);
            }
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Self.Tell(Tick.Instance);
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, Repeat);
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }
}
