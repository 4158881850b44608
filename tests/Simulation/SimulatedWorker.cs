using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;
using Orchestrator.Worker.Sessions;
using Body = Orchestrator.Protos.CoordinatorMessage.BodyOneofCase;

namespace Orchestrator.Simulation;

/// <summary>One process life of a worker: attached by a stream, attached again when it breaks; its commands pass <see cref="JobFences"/>, its reports wait in an <see cref="Outbox"/>.</summary>
internal sealed class SimulatedWorker
{
    public static readonly NumericClass Class = new() { Backend = "cpu", InstructionPath = "avx2", Libtorch = "2.10", Kernels = "1", Threads = 1 };

    private readonly World _world;
    private readonly JobFences _fences = new();
    private SimulatedStream? _stream;
    private bool _isAccepted;
    private bool _draining;
    private double _frozenUntil;
    private long _position;
    private ulong _highestFence;

    public SimulatedWorker(World world, WorkerKey key)
    {
        (_world, Key) = (world, key);
        Attached = new AttachedWorker(key, Class, $"http://{key.WorkerId}", 1UL << 33, "cpu", FastBfloat16: false);
        Attach();
        Beat();
    }

    public WorkerKey Key { get; }

    public AttachedWorker Attached { get; }

    public WorkerIdentity Identity => new() { WorkerId = Key.WorkerId, Incarnation = Key.Incarnation };

    public Outbox Outbox { get; } = new();

    public SimulatedPart? Part { get; private set; }

    public bool IsAlive { get; private set; } = true;

    public bool IsFrozen => _frozenUntil > _world.Time.Now;

    public World World => _world;

    public override string ToString() => $"{Key}.{Key.Incarnation}";

    /// <summary>Does something in this process: not at all where it has ended, later where it is stopped.</summary>
    public void Run(Action action)
    {
        if (!IsAlive)
            return;
        if (IsFrozen)
        {
            _world.Time.At(_frozenUntil, () => Run(action));
            return;
        }

        _world.Faults.Consider(this);
        if (!IsAlive)
            return;
        if (IsFrozen)
            _world.Time.At(_frozenUntil, () => Run(action));
        else
            action();
    }

    public void In(double delay, Action action) => _world.Time.In(delay, () => Run(action));

    /// <summary>The process is killed.</summary>
    public void End(string why)
    {
        if (!IsAlive)
            return;
        _world.Trace.Note("{0} ends: {1}", this, why);
        IsAlive = false;
        _stream?.Break();
        _world.Ended(this);
    }

    /// <summary>The process stops for a while and then goes on as if nothing had been.</summary>
    public void Freeze(double seconds)
    {
        _world.Trace.Note("{0} is stopped for {1:0.0} s", this, seconds);
        _frozenUntil = _world.Time.Now + seconds;
    }

    /// <summary>It is told to end: it goes on until its job lets it go.</summary>
    public void Drain()
    {
        if (_draining)
            return;
        _world.Trace.Note("{0} is told to end", this);
        _draining = true;
        if (Part is null)
        {
            Leave();
            return;
        }

        Post(new WorkerMessage { Drain = new WorkerDrain { Reason = "it was told to end." } });
        In(25, Leave);
    }

    public void CutStream() => _stream?.Break();

    public void Post(WorkerMessage message)
    {
        Outbox.Post(message);
        Pump();
    }

    public void Pump()
    {
        while (_isAccepted && _stream is { } stream && Outbox.Next(_position) is { } next)
        {
            _position = next.Position;
            stream.Up(next.Message);
        }
    }

    public void Broken(SimulatedStream stream)
    {
        if (_stream != stream)
            return;
        (_stream, _isAccepted) = (null, false);
        In(0.05 + (_world.Dice.NextDouble() * 0.5), Attach);
    }

    public void Hear(SimulatedStream stream, CoordinatorMessage message)
    {
        if (_stream != stream)
            return;
        if (message.BodyCase == Body.Refused)
        {
            End(message.Refused.Message);
            return;
        }

        if (message.BodyCase == Body.Accepted)
        {
            (_isAccepted, _position) = (true, 0);
            Pump();
            return;
        }

        Obey(message);
        Pump();
    }

    private void Attach()
    {
        if (_stream is not null)
            return;
        if (_world.Directory is not { IsUp: true } directory)
        {
            In(0.2 + (_world.Dice.NextDouble() * 0.3), Attach);
            return;
        }

        var stream = _stream = new SimulatedStream(_world, this, directory);
        _world.Time.In(_world.StreamDelay(), () => directory.Open(stream));
    }

    private void Beat()
    {
        if (_isAccepted)
            _stream?.Up(new WorkerMessage { Heartbeat = new Heartbeat { Worker = Identity, Waits = true } });
        _world.Time.In(0.5, () =>
        {
            if (!IsAlive)
                return;
            if (IsFrozen)
                _world.Time.At(_frozenUntil, Beat);
            else
                Beat();
        });
    }

    private void Obey(CoordinatorMessage message)
    {
        if (message.JobScope is not { } scope)
            return;
        if (!_fences.Admit(scope))
        {
            _world.Trace.Note("{0} drops a stale {1} of generation {2}, fence {3}", this, message.BodyCase, scope.Generation, scope.Fence);
            return;
        }

        _world.Trace.Note("{0} hears {1} of generation {2}, fence {3}", this, message.BodyCase, scope.Generation, scope.Fence);
        _world.Check.That(scope.Fence >= _highestFence, $"{this} obeys {message.BodyCase} of fence {scope.Fence} after one of fence {_highestFence}");
        _highestFence = scope.Fence;
        if (message.BodyCase == Body.Release)
            Release(scope.Job);
        else if (Part is not null || message.BodyCase is Body.LoadStage or Body.Join)
        {
            Part ??= new SimulatedPart(this);
            Outbox.Fence(scope.Job, scope.Fence);
            Part.Handle(message);
        }

        if (Part is null)
            _fences.Release(scope.Job);
    }

    private void Release(string job)
    {
        if (Part is null)
            return;
        Part.End();
        Part = null;
        Outbox.Unfence(job);
        Outbox.Forget(job);
        _world.DeleteFiles(Key.WorkerId);
        if (_draining)
            Leave();
    }

    private void Leave()
    {
        var stream = _stream;
        stream?.Up(new WorkerMessage { Leave = new WorkerLeave { Reason = "it was told to end." } });
        _world.Time.In(0.3, () => End("it leaves"));
    }
}
