using Google.Protobuf;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Simulation;

/// <summary>
/// One life of the job's entity: persists what <see cref="JobLife"/> decides, publishes it, then acts on it. One that another life has taken over from goes on until its journal refuses it, and what it
/// was writing by then goes on all the same.
/// </summary>
internal sealed class SimulatedEntity : IDisposable
{
    private readonly World _world;
    private readonly Dictionary<object, long> _timers = [];
    private readonly RunPublication _publication = new(World.Job, _ => { });
    private readonly Queue<object> _early = [];
    private readonly Queue<(JobRecord After, IJobEvent Happened)> _unpublished = [];
    private JobSession _session = new() { Job = World.Job, Secret = ByteString.CopyFromUtf8("secret") };
    private long _sequence;
    private long _timer;
    private double _lastSent;
    private double _lastPublished;
    private int _linesUnderWay;
    private bool _isReady;
    private bool _isOver;
    private bool _isDead;

    public SimulatedEntity(World world)
    {
        _world = world;
        foreach (var happened in world.Journal.Events)
        {
            Record = Record.Apply(happened);
            _publication.Recall(Record, happened);
        }

        _sequence = world.Journal.Events.Count;
    }

    public JobRecord Record { get; private set; } = JobRecord.Empty;

    /// <summary>How much later than its decisions its commands and lines leave: one that was taken over from may be slow.</summary>
    public double Slowness { get; set; }

    /// <summary>Lines of its events are on their way.</summary>
    public bool IsPublishing => !_isDead && _linesUnderWay > 0;

    public void Begin()
    {
        if (Record.HasEnded)
            return;
        Persist([new OwnershipTaken { Fence = (ulong)_sequence + 1, Time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(_world.Time.Clock) }]);
        _world.Trace.Note("coordinator: fence {0}, {1} committed", Record.Fence, Record.CommittedStep);
        if (Record.IsSubmitted)
        {
            // It owns the journal before it owns the folder: until then an earlier one still publishes.
            _world.Time.In(_world.Dice.NextDouble() * 0.2, GoOn);
        }
        else
        {
            _isReady = true;
            Handle(new JobInput.Submitted(_world.Request.Request, _world.Request.Spec with { Output = _world.Output }, _world.Request.Resolved));
        }
    }

    private void GoOn()
    {
        Publish("the run's lines", () => _publication.Continue(Record));
        _isReady = true;
        Handle(new JobInput.Recovered());
        while (_early.TryDequeue(out var input))
            Handle(input);
    }

    /// <summary>Its process ends.</summary>
    public void End()
    {
        _isOver = _isDead = true;
        Dispose();
    }

    public void Dispose() => _publication.Dispose();

    public void Handle(object input)
    {
        if (_isOver)
            return;
        if (!_isReady)
        {
            _early.Enqueue(input);
            return;
        }

        var decision = JobLife.Decide(Record, _session, input, _world.Time.Clock);
        _world.Trace.Note("coordinator {0}: {1}{2}", Record.Fence, new Named(input), decision.Note is { } note ? $" ({note})" : "");
        if (decision.Events.Count > 0 && !Persist(decision.Events))
        {
            _world.Trace.Note("coordinator {0}: the journal refuses it", Record.Fence);
            _isOver = true;
            Publish("the end", _publication.End, () => false);
            return;
        }

        if (_world.Faults.StrikesCoordinator())
            return;
        PublishLater();

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
            _unpublished.Enqueue((Record, happened));
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
                    if (!_isOver)
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
                Work(_world.Dice.NextDouble() * 0.3, $"the checkpoint of step {checkpoint.Manifest.Step}", () => _publication.Folder.WriteCheckpoint(checkpoint.Manifest), () =>
                {
                    _world.Check.Saved(checkpoint.Manifest);
                    return new JobInput.CheckpointMade(checkpoint.Manifest);
                });
                break;
            case JobEffect.Export export:
                Work(_world.Dice.NextDouble() * 0.2, "the adapter", () => _publication.Folder.WriteAdapter(adapter => File.WriteAllText(Path.Combine(adapter, PeftAdapterWriter.LineageFile), "")), () => new JobInput.AdapterExported(export.Checkpoint));
                break;
            case JobEffect.DeleteOlderCheckpoints older:
                var before = _world.Checkpoints.Complete();
                Publish(
                    "what is left of older checkpoints",
                    () => _publication.Folder.DeleteOlderCheckpoints(older.Newest, _world.Request.Spec.Training.SaveTotalLimit),
                    () => !_world.Checkpoints.Complete().SequenceEqual(before));
                break;
            case JobEffect.PublishPlan plan:
                Publish("the plan", () => _publication.WritePlan(plan.Json));
                break;
            case JobEffect.End:
                Publish("the end", _publication.End, () => false);
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

    // In the order of the events; what a process that ends had not written yet, the next one writes.
    private void PublishLater()
    {
        while (_unpublished.TryDequeue(out var next))
        {
            var (after, happened) = next;
            if (Slowness == 0 && _linesUnderWay == 0)
            {
                PublishLines(after, happened);
                continue;
            }

            _linesUnderWay++;
            _world.Time.At(_lastPublished = _world.Later(_lastPublished, Slowness * _world.Dice.NextDouble()), () =>
            {
                _linesUnderWay--;
                PublishLines(after, happened);
            });
        }
    }

    // What is only appended need not stand where others read it: that is seen at the end.
    private void PublishLines(JobRecord after, IJobEvent happened) => Publish($"{happened.GetType().Name}", () => _publication.Publish(after, happened), () => happened is JobPrepared);

    // On another thread, which does not know what has become of the entity since.
    private void Work(double seconds, string what, Action write, Func<object> done) => _world.Time.In(seconds, () =>
    {
        if (!_isDead && Publish(what, write))
            Handle(done());
    });

    private bool Publish(string what, Action write, Func<bool>? hasChanged = null)
    {
        if (_isDead)
            return false;
        try
        {
            write();
        }
        catch (IOException failure)
        {
            _world.Trace.Note("coordinator {0}: {1} is refused: {2}", Record.Fence, what, failure.Message);
            // Whose journal has refused it has left the folder, and nobody hears of it.
            if (_isOver)
                return false;
            _world.Check.Refuses(Record, what, failure);
            _world.Time.In(0, () => Handle(new JobInput.PublicationFailed(failure.Message)));
            return false;
        }

        if (hasChanged?.Invoke() != false)
            _world.Check.Publishes(Record, what);
        return true;
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
