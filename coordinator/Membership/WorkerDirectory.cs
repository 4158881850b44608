using System.Collections.Immutable;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Protos;
using Failure = Orchestrator.Protos.Failure;

namespace Orchestrator.Coordinator.Membership;

/// <summary>Knows every worker attached to this node and carries messages between workers and jobs.</summary>
/// <remarks>
/// <see cref="Fleet"/> decides, this actor applies: it owns the streams' outboxes and the jobs' subscriptions. One a node. A worker's messages reach
/// a job's subscriber in the order sent, and a job's messages reach the worker in the order told.
/// <code>
///   stream: OpenStream -> admitted -> StreamMessage... -> StreamClosed -> (grace) -> lost
///                      -> refused     \-> replaced by a higher incarnation -> lost
///                                      \-> silent for a lease, or leaves  -> lost
/// </code>
/// </remarks>
internal sealed class WorkerDirectory : ReceiveActor, IWithTimers
{
    private readonly MembershipOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<long, ChannelWriter<CoordinatorMessage>> _outboxes = [];
    private readonly Dictionary<WorkerKey, SentMessages> _sent = [];
    private readonly Dictionary<WorkerKey, Heartbeat> _heartbeats = [];
    private readonly Dictionary<string, (IActorRef Actor, ulong Fence)> _subscribers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<WorkerKey, JobScope>> _unheard = new(StringComparer.Ordinal);
    private readonly Action<string, IActorRef> _askForJob;
    private Fleet _fleet;
    private FleetUnavailable? _unavailable;
    private FleetLimit? _limit;
    private long _streams;

    /// <param name="options">Leases and limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="askForJob">Asks for the <see cref="JobStatus"/> of a job, in an actor's name.</param>
    public WorkerDirectory(MembershipOptions options, TimeProvider time, Action<string, IActorRef> askForJob)
    {
        _options = options;
        _time = time;
        _askForJob = askForJob;
        _fleet = Fleet.Empty(options, time.GetUtcNow());
        Receive<OpenStream>(Open);
        Receive<StreamMessage>(Handle);
        Receive<StreamClosed>(Close);
        Receive<ToWorker>(message => Send(message.Key, message.Message));
        Receive<Subscribe>(AddSubscriber);
        Receive<Unsubscribe>(message => RemoveSubscriber(message.Job));
        Receive<Terminated>(message => RemoveSubscriber(message.ActorRef));
        Receive<GetActivities>(_ => Sender.Tell(new WorkerActivities(
            _heartbeats.ToImmutableDictionary(item => item.Key.WorkerId, item => new WorkerActivity(item.Value.Activity, item.Value.Waits), StringComparer.Ordinal))));
        Receive<JobStatus>(ReleaseIfEnded);
        Receive<FleetUnavailable>(MarkUnavailable);
        Receive<FleetLimit>(Limit);
        Receive<WorkerProcessEnded>(message => Apply(new FleetEvent.ProcessEnded(message.Key, message.Reason)));
        Receive<CheckLeases>(_ => Apply(new FleetEvent.Tick()));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(MembershipOptions options, TimeProvider time, Action<string, IActorRef> askForJob) =>
        Akka.Actor.Props.Create(() => new WorkerDirectory(options, time, askForJob));

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(CheckLeases), CheckLeases.Instance, _options.CheckInterval);

    protected override void PostStop()
    {
        foreach (var outbox in _outboxes.Values)
        {
            outbox.TryComplete();
        }
    }

    private void Open(OpenStream message)
    {
        var stream = ++_streams;
        _outboxes[stream] = message.Outbox;
        var before = _fleet;
        var decision = _fleet.Decide(new FleetEvent.StreamOpened(stream, message.Worker), _time.GetUtcNow());
        var admit = decision.Effects.OfType<FleetEffect.Admit>().SingleOrDefault();
        if (admit is not null)
        {
            message.Outbox.TryWrite(new CoordinatorMessage { Accepted = message.Accepted });
        }

        Carry(decision, before);
        Sender.Tell(new StreamOpened(stream, admit is not null));
    }

    private void Handle(StreamMessage message)
    {
        message.Handled.Release();
        if (!IsCurrentStream(message.Stream, message.Key))
        {
            return;
        }

        Apply(new FleetEvent.Heard(message.Stream, message.Key));
        if (message.Message.BodyCase == WorkerMessage.BodyOneofCase.Heartbeat)
        {
            _heartbeats[message.Key] = message.Message.Heartbeat;
            Apply(new FleetEvent.Beat(message.Stream, message.Key, message.Message.Heartbeat));
        }
        else if (message.Message.BodyCase == WorkerMessage.BodyOneofCase.Leave)
        {
            Apply(new FleetEvent.Left(message.Key, message.Message.Leave.Reason));
        }
        else if (message.Message.BodyCase == WorkerMessage.BodyOneofCase.Drain)
        {
            _log.Info("{0} is to leave: {1}", message.Key, message.Message.Drain.Reason);
            Apply(new FleetEvent.Draining(message.Key, message.Message.Drain.Reason));
        }
        else if (message.Message.JobScope is { Job.Length: > 0 } scope)
        {
            Deliver(scope, new FromWorker(message.Key, message.Message));
        }
        else if (message.Message.BodyCase == WorkerMessage.BodyOneofCase.Failure)
        {
            Apply(new FleetEvent.GivenUp(message.Key, message.Message.Failure.Failure?.Message ?? "it failed and gave no reason."));
        }
    }

    private void Close(StreamClosed message)
    {
        _outboxes.Remove(message.Stream);
        Apply(new FleetEvent.StreamClosed(message.Stream, message.Key));
    }

    private void Send(WorkerKey key, CoordinatorMessage message)
    {
        if (!_sent.TryGetValue(key, out var sent))
        {
            return;
        }

        sent.Add(message);
        var member = _fleet.Members[key.WorkerId];
        // While the stream is broken the message waits among those that are sent again.
        if (member.ClosedSince is not null || !_outboxes.TryGetValue(member.Stream, out var outbox))
        {
            return;
        }

        if (!outbox.TryWrite(message))
        {
            GiveUpUnread(key);
        }
    }

    // A command that was left out would leave a job waiting for ever; a loss ends the wait.
    private void GiveUpUnread(WorkerKey key) =>
        Apply(new FleetEvent.GivenUp(key, $"it left {_options.OutboxCapacity} messages unread."));

    private void Deliver(JobScope scope, FromWorker message)
    {
        if (_subscribers.TryGetValue(scope.Job, out var subscriber))
        {
            subscriber.Actor.Tell(message);
            return;
        }

        _log.Debug("A message for job {0} has no receiver; dropped.", scope.Job);
        if (!_unheard.TryGetValue(scope.Job, out var workers))
        {
            _unheard[scope.Job] = workers = [];
        }

        // The worker drops a command of an older generation or fence than it knows: what it says of its job goes up to the newest.
        var known = workers.GetValueOrDefault(message.Key) ?? scope;
        workers[message.Key] = new JobScope { Job = scope.Job, Generation = Math.Max(scope.Generation, known.Generation), Fence = Math.Max(scope.Fence, known.Fence) };
        _askForJob(scope.Job, Self);
    }

    // A worker that was not attached when its job ended still holds all of it.
    private void ReleaseIfEnded(JobStatus status)
    {
        if (!_unheard.Remove(status.Job, out var workers) || status.State is not (JobState.Succeeded or JobState.Failed or JobState.Cancelled) || _subscribers.ContainsKey(status.Job))
        {
            return;
        }

        foreach (var (worker, scope) in workers)
        {
            Send(worker, new CoordinatorMessage { Release = new ReleaseJob { Scope = scope } });
        }
    }

    private void Apply(FleetEvent happened) => Carry(_fleet.Decide(happened, _time.GetUtcNow()), _fleet);

    private void Carry(FleetDecision decision, Fleet before)
    {
        _fleet = decision.Next;
        foreach (var effect in decision.Effects)
        {
            switch (effect)
            {
                case FleetEffect.Admit admit: Admit(admit); break;
                case FleetEffect.Refuse refuse: End(refuse.Stream, refuse.Failure); break;
                case FleetEffect.End end: End(end.Stream, end.Failure); break;
                case FleetEffect.Lose lose: Lose(lose); break;
            }
        }

        // A worker given up by an effect has been told of by then, so this decision's own change counts.
        if (decision.Next.Version == before.Version)
        {
            return;
        }

        TellAll(_fleet.Snapshot);
    }

    private void TellAll(object message)
    {
        foreach (var (subscriber, _) in _subscribers.Values)
        {
            subscriber.Tell(message);
        }
    }

    private void Admit(FleetEffect.Admit admit)
    {
        if (admit.Reconnect)
        {
            var outbox = _outboxes[admit.Stream];
            if (_sent[admit.Key].All.All(outbox.TryWrite))
            {
                _log.Info("{0} is back.", admit.Key);
            }
            else
            {
                GiveUpUnread(admit.Key);
            }

            return;
        }

        _sent[admit.Key] = new SentMessages();
        _log.Info("{0} attached.", admit.Key);
    }

    private void End(long stream, Failure failure)
    {
        if (!_outboxes.Remove(stream, out var outbox))
        {
            return;
        }

        outbox.TryWrite(new CoordinatorMessage { Refused = failure });
        outbox.TryComplete();
    }

    private void Lose(FleetEffect.Lose lose)
    {
        _sent.Remove(lose.Key);
        _heartbeats.Remove(lose.Key);
        var lost = new WorkerLost(lose.Key, lose.Reason, lose.Left) { Silence = lose.Silence };
        if (lost.Left)
        {
            _log.Info("{0} left: {1}", lost.Key, lost.Reason);
        }
        else
        {
            _log.Warning("{0} was lost: {1}", lost.Key, lost.Reason);
        }

        TellAll(lost);
    }

    private void MarkUnavailable(FleetUnavailable message)
    {
        _unavailable = message;
        _log.Error("{0}", message.Reason);
        TellAll(message);
    }

    private void Limit(FleetLimit message)
    {
        _limit = message;
        TellAll(message);
    }

    private void AddSubscriber(Subscribe message)
    {
        if (_subscribers.TryGetValue(message.Job, out var known) && message.Fence < known.Fence)
        {
            // An entity that another one has taken over from: what it would do is refused everywhere.
            _log.Debug("A subscription to job {0} is older than the one that stands; dropped.", message.Job);
            return;
        }

        RemoveSubscriber(message.Job);
        _subscribers[message.Job] = (message.Subscriber, message.Fence);
        Context.Watch(message.Subscriber);
        if (_limit is not null)
        {
            message.Subscriber.Tell(_limit);
        }

        message.Subscriber.Tell(_fleet.Snapshot);
        if (_unavailable is not null)
        {
            message.Subscriber.Tell(_unavailable);
        }
    }

    private void RemoveSubscriber(string job)
    {
        if (_subscribers.Remove(job, out var subscriber) && !_subscribers.Values.Any(other => other.Actor.Equals(subscriber.Actor)))
        {
            Context.Unwatch(subscriber.Actor);
        }
    }

    private void RemoveSubscriber(IActorRef subscriber)
    {
        foreach (var job in _subscribers.Where(item => item.Value.Actor.Equals(subscriber)).Select(item => item.Key).ToArray())
        {
            _subscribers.Remove(job);
        }
    }

    private bool IsCurrentStream(long stream, WorkerKey key) =>
        _fleet.Members.TryGetValue(key.WorkerId, out var member) && member.Stream == stream && member.Worker.Key == key;

    /// <summary>The timer's message.</summary>
    private sealed record CheckLeases
    {
        public static readonly CheckLeases Instance = new();
    }
}
