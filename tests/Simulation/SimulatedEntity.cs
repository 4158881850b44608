using Google.Protobuf;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Simulation;

/// <summary>One life of the job's entity: persists what <see cref="JobLife"/> decides, then acts on it. One that another life has taken over from goes on until its journal refuses it.</summary>
internal sealed class SimulatedEntity
{
    private readonly World _world;
    private readonly Dictionary<object, long> _timers = [];
    private JobSession _session = new() { Job = World.Job, Secret = ByteString.CopyFromUtf8("secret") };
    private long _sequence;
    private long _timer;
    private double _lastSent;
    private bool _ended;

    public SimulatedEntity(World world)
    {
        _world = world;
        Record = world.Journal.Fold();
        _sequence = world.Journal.Events.Count;
    }

    public JobRecord Record { get; private set; }

    /// <summary>How much later than its decisions its commands leave: one that was taken over from may be slow.</summary>
    public double Slowness { get; set; }

    public void Begin()
    {
        Persist([new OwnershipTaken { Fence = (ulong)_sequence + 1, Time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(_world.Time.Clock) }]);
        _world.Trace.Note("coordinator: fence {0}, {1} committed", Record.Fence, Record.CommittedStep);
        if (Record.IsSubmitted)
            Handle(new JobInput.Recovered());
        else
            Handle(new JobInput.Submitted(_world.Request.Request, _world.Request.Spec, _world.Request.Resolved));
    }

    public void End() => _ended = true;

    public void Handle(object input)
    {
        if (_ended)
            return;
        var decision = JobLife.Decide(Record, _session, input, _world.Time.Clock);
        _world.Trace.Note("coordinator {0}: {1}{2}", Record.Fence, new Named(input), decision.Note is { } note ? $" ({note})" : "");
        if (decision.Events.Count > 0 && !Persist(decision.Events))
        {
            _world.Trace.Note("coordinator {0}: the journal refuses it", Record.Fence);
            _ended = true;
            return;
        }

        _world.Check.That(decision.Record.Equals(Record), "the record of a decision is not the fold of its events");
        _session = decision.Session;
        foreach (var effect in decision.Effects)
        {
            if (_world.Faults.StrikesCoordinator())
                return;
            Do(effect);
        }
    }

    private bool Persist(IReadOnlyList<IJobEvent> events)
    {
        if (!_world.Journal.Append(_sequence, events))
            return false;
        _sequence += events.Count;
        foreach (var happened in events)
        {
            Record = Record.Apply(happened);
            _world.Trace.Note("coordinator {0}: {1}", Record.Fence, new Named(happened));
            _world.Check.Journaled(Record, happened);
        }

        return true;
    }

    private void Do(JobEffect effect)
    {
        switch (effect)
        {
            case JobEffect.Prepare:
                _world.Time.In(_world.Dice.NextDouble() * 0.3, () => Handle(new JobInput.Prepared(_world.Request.Material)));
                break;
            case JobEffect.SubscribeToFleet:
                _world.Time.In(_world.Dice.NextDouble() * 0.01, () =>
                {
                    if (!_ended)
                        _world.Directory?.Subscribe(this);
                });
                break;
            case JobEffect.Send { Message: var message }:
                Send(message);
                break;
            case JobEffect.Later later:
                var timer = _timers[later.Input] = ++_timer;
                _world.Time.In(later.Delay.TotalSeconds, () =>
                {
                    if (_timers.GetValueOrDefault(later.Input) == timer)
                        Handle(later.Input);
                });
                break;
            case JobEffect.WriteCheckpoint checkpoint:
                _world.Time.In(_world.Dice.NextDouble() * 0.3, () => Write(checkpoint.Manifest));
                break;
            case JobEffect.Export export:
                _world.Check.Publishes(Record, "the adapter");
                _world.Time.In(_world.Dice.NextDouble() * 0.2, () => Handle(new JobInput.AdapterExported(export.Checkpoint)));
                break;
            default:
                break;
        }
    }

    private void Send(ToWorker message)
    {
        _world.Check.That(Record.Bound.Contains(new BoundWorker(message.Key, Record.Fence)), $"a command goes to {message.Key}, which is not bound to fence {Record.Fence}");
        var directory = _world.Directory;
        _lastSent = _world.Later(_lastSent, Slowness + (_world.Dice.NextDouble() * 0.01));
        _world.Time.At(_lastSent, () => directory?.Send(message.Key, message.Message));
    }

    private void Write(CheckpointManifest manifest)
    {
        if (_ended)
            return;
        _world.Check.Saved(manifest);
        Handle(new JobInput.CheckpointMade(manifest));
    }

    /// <summary>Says what a message is once somebody reads it.</summary>
    private sealed record Named(object Message)
    {
        private const int MostCharacters = 300;

        public override string ToString() => Text() is { Length: > MostCharacters } text ? $"{text[..MostCharacters]}..." : Text();

        private string Text() => Message switch
        {
            FromWorker from => $"{from.Key}.{from.Key.Incarnation}: {from.Message}",
            FleetSnapshot fleet => $"fleet of {string.Join(", ", fleet.Workers.Select(worker => $"{worker.Key}.{worker.Key.Incarnation}{(worker.DrainReason is null ? "" : " (leaves)")}"))}",
            IMessage message => $"{Message.GetType().Name} {message}",
            JobInput.Submitted or JobInput.Prepared or JobInput.CheckpointMade => Message.GetType().Name,
            _ => Message.ToString() ?? "",
        };
    }
}
