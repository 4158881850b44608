using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;
using Body = Orchestrator.Protos.WorkerMessage.BodyOneofCase;

namespace Orchestrator.Simulation;

/// <summary>One life of a node's directory of workers: does what <see cref="Fleet"/> decides, keeps what may have to be sent again in <see cref="SentMessages"/>.</summary>
internal sealed class SimulatedDirectory
{
    private readonly World _world;
    private readonly MembershipOptions _options = new();
    private readonly Dictionary<long, SimulatedStream> _streams = [];
    private readonly Dictionary<WorkerKey, SentMessages> _sent = [];
    private Fleet _fleet;
    private SimulatedEntity? _subscriber;
    private long _opened;
    private double _lastTold;

    public SimulatedDirectory(World world)
    {
        _world = world;
        _fleet = Fleet.Empty(_options, world.Time.Clock);
        Tick();
    }

    public bool IsUp { get; private set; } = true;

    public void Open(SimulatedStream stream)
    {
        if (!IsUp)
        {
            stream.Break();
            return;
        }

        stream.Number = ++_opened;
        _streams[stream.Number] = stream;
        var before = _fleet;
        var decision = _fleet.Decide(new FleetEvent.StreamOpened(stream.Number, stream.Worker.Attached), _world.Time.Clock);
        if (decision.Effects.OfType<FleetEffect.Admit>().Any())
            stream.Down(new CoordinatorMessage { Accepted = new AttachAccepted() });
        Carry(decision, before);
    }

    public void Hear(SimulatedStream stream, WorkerMessage message)
    {
        var key = stream.Worker.Key;
        if (!_fleet.Members.TryGetValue(key.WorkerId, out var member) || member.Stream != stream.Number || member.Worker.Key != key)
            return;
        Apply(new FleetEvent.Heard(stream.Number, key));
        if (message.BodyCase == Body.Heartbeat)
            Apply(new FleetEvent.Beat(stream.Number, key, message.Heartbeat));
        else if (message.BodyCase == Body.Leave)
            Apply(new FleetEvent.Left(key, message.Leave.Reason));
        else if (message.BodyCase == Body.Drain)
            Apply(new FleetEvent.Draining(key, message.Drain.Reason));
        else if (message.JobScope is { Job.Length: > 0 })
            Tell(new FromWorker(key, message));
    }

    public void Closed(SimulatedStream stream)
    {
        if (!IsUp || stream.Number == 0)
            return;
        _streams.Remove(stream.Number);
        Apply(new FleetEvent.StreamClosed(stream.Number, stream.Worker.Key));
    }

    public void Send(WorkerKey key, CoordinatorMessage message)
    {
        if (!IsUp || !_sent.TryGetValue(key, out var sent))
            return;
        sent.Add(message);
        var member = _fleet.Members[key.WorkerId];
        if (member.ClosedSince is null && _streams.TryGetValue(member.Stream, out var stream))
            stream.Down(message);
    }

    public void Subscribe(SimulatedEntity entity)
    {
        if (_subscriber is { } known && entity.Record.Fence < known.Record.Fence)
            return;
        _subscriber = entity;
        Tell(new FleetLimit(_world.Scenario.Workers));
        Tell(_fleet.Snapshot);
    }

    /// <summary>The node's process ends.</summary>
    public void End()
    {
        IsUp = false;
        foreach (var stream in _streams.Values.ToList())
            stream.Break();
    }

    private void Tick()
    {
        if (!IsUp)
            return;
        Apply(new FleetEvent.Tick());
        _world.Time.In(_options.CheckInterval.TotalSeconds, Tick);
    }

    private void Apply(FleetEvent happened) => Carry(_fleet.Decide(happened, _world.Time.Clock), _fleet);

    private void Carry(FleetDecision decision, Fleet before)
    {
        _fleet = decision.Next;
        foreach (var effect in decision.Effects)
        {
            switch (effect)
            {
                case FleetEffect.Admit { Reconnect: true } admit:
                    foreach (var message in _sent[admit.Key].All)
                        _streams[admit.Stream].Down(message);
                    break;
                case FleetEffect.Admit admit:
                    _sent[admit.Key] = new SentMessages();
                    break;
                case FleetEffect.Refuse refuse:
                    Refuse(refuse.Stream, refuse.Failure);
                    break;
                case FleetEffect.End end:
                    Refuse(end.Stream, end.Failure);
                    break;
                case FleetEffect.Lose lose:
                    _world.Trace.Note("{0} is told lost: {1}", lose.Key, lose.Reason);
                    _sent.Remove(lose.Key);
                    Tell(new WorkerLost(lose.Key, lose.Reason, lose.Left) { Silence = lose.Silence });
                    break;
                default:
                    break;
            }
        }

        if (decision.Next.Version != before.Version)
            Tell(_fleet.Snapshot);
    }

    private void Refuse(long number, Failure failure)
    {
        if (_streams.Remove(number, out var stream))
            stream.Down(new CoordinatorMessage { Refused = failure });
    }

    // Actors tell each other in order, but not at once.
    private void Tell(object input)
    {
        if (_subscriber is not { } entity)
            return;
        _lastTold = _world.Later(_lastTold, _world.Dice.NextDouble() * 0.01);
        _world.Time.At(_lastTold, () => entity.Handle(input));
    }
}
