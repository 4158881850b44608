using System.Threading.Channels;
using Akka.Actor;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Talks with one worker in the name of one job, for commands that are no actors.</summary>
/// <remarks>Messages come in the worker's order. Any end of the worker, its own failure or that of the fleet is a <see cref="CommandFailedException"/> of the next read.</remarks>
internal sealed class WorkerConversation : IAsyncDisposable
{
    private const int Capacity = 4_096;
    private readonly IActorRef _directory;
    private readonly IActorRef _listener;
    private readonly Channel<object> _heard = Channel.CreateBounded<object>(Capacity);

    private WorkerConversation(ActorSystem system, IActorRef directory, string job)
    {
        _directory = directory;
        Scope = new JobScope { Job = job, Generation = 1, Fence = 1 };
        var writer = _heard.Writer;
        _listener = system.ActorOf(Props.Create(() => new Listener(writer)));
        directory.Tell(new Subscribe(job, _listener));
    }

    public JobScope Scope { get; }

    /// <summary>The worker; set by <see cref="MeetAsync"/>.</summary>
    private AttachedWorker? Worker { get; set; }

    public static WorkerConversation Open(ActorSystem system, IActorRef directory, string job) => new(system, directory, job);

    /// <summary>Waits for the first worker that attaches.</summary>
    public async Task<AttachedWorker> MeetAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var heard = await _heard.Reader.ReadAsync(cancellationToken);
            if (heard is FleetUnavailable unavailable)
            {
                throw new CommandFailedException(unavailable.Reason);
            }

            if (heard is FleetSnapshot { Workers: [var first, ..] })
            {
                return Worker = first;
            }
        }
    }

    public void Tell(CoordinatorMessage message) => _directory.Tell(new ToWorker(Worker!.Key, message));

    /// <summary>The worker's next message of this job.</summary>
    public async Task<WorkerMessage> HearAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (await _heard.Reader.ReadAsync(cancellationToken))
            {
                case FromWorker { Message: { BodyCase: WorkerMessage.BodyOneofCase.Failure } failure } from:
                    throw new CommandFailedException($"{from.Key} failed: {failure.Failure.Failure?.Message}");
                case FromWorker from when from.Key == Worker?.Key:
                    return from.Message;
                case WorkerLost lost when lost.Key == Worker?.Key:
                    throw new CommandFailedException($"{lost.Key} {lost.Verb}: {lost.Reason}");
                case FleetUnavailable unavailable:
                    throw new CommandFailedException(unavailable.Reason);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Worker is not null)
        {
            Tell(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope } });
        }

        await _listener.GracefulStop(TimeSpan.FromSeconds(2));
        _directory.Tell(new Unsubscribe(Scope.Job));
    }

    /// <summary>Carries what the directory says into the channel.</summary>
    private sealed class Listener : ReceiveActor
    {
        public Listener(ChannelWriter<object> heard) => ReceiveAny(message =>
        {
            if (!heard.TryWrite(message))
            {
                heard.TryComplete(new CommandFailedException($"More than {Capacity} messages of the worker wait; the command is too slow for it."));
            }
        });
    }
}
