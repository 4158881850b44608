using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>One decision in the making: record and session as they will be, the events raised and the effects asked for.</summary>
/// <remarks>Lives inside one call of <see cref="JobLife.Decide"/>; seen from outside that call is pure.</remarks>
internal sealed class JobTurn(JobRecord record, JobSession session, DateTimeOffset now)
{
    private readonly List<IJobEvent> _events = [];
    private readonly List<JobEffect> _effects = [];

    public JobRecord Record { get; private set; } = record;

    public JobSession Session { get; set; } = session;

    public DateTimeOffset Now { get; } = now;

    public string? Note { get; set; }

    /// <summary>An error of the program that the job ends by.</summary>
    public Exception? Fault { get; set; }

    public JobPlacement Placement => Record.Placement ?? throw new InvalidOperationException($"Job {Session.Job} is not placed.");

    public JobMaterial Material => Session.Material ?? throw new InvalidOperationException($"Job {Session.Job} is not prepared in this life of its entity.");

    public JobScope Scope => new() { Job = Session.Job, Generation = Record.Generations.Number, Fence = Record.Fence };

    /// <summary>The layers that have a state, in ascending order.</summary>
    public IReadOnlyList<int> AdaptedLayers => [.. Material.Modules.Select(module => (int)module.Layer).Distinct().Order()];

    public void Raise(IJobEvent happened)
    {
        happened.Time = Timestamp.FromDateTimeOffset(Now);
        _events.Add(happened);
        Record = Record.Apply(happened);
    }

    public void Do(JobEffect effect) => _effects.Add(effect);

    public void Send(WorkerKey worker, CoordinatorMessage message)
    {
        Session = Session with { Told = Session.Told.Add(worker) };
        Do(new JobEffect.Send(new ToWorker(worker, message)));
    }

    /// <summary>Journals that commands of this life of the entity go to a worker, if it is the first one.</summary>
    public void Bind(WorkerKey worker)
    {
        if (!Record.Bound.Contains(new BoundWorker(worker, Record.Fence)))
        {
            Raise(new WorkerBound { Worker = IdentityOf(worker), Fence = Record.Fence });
        }
    }

    /// <summary>Frees everything of the job on a worker.</summary>
    public void Release(WorkerKey worker)
    {
        Send(worker, new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope } });
        Session = Session with { Told = Session.Told.Remove(worker) };
    }

    public static WorkerIdentity IdentityOf(WorkerKey key) => new() { WorkerId = key.WorkerId, Incarnation = key.Incarnation };

    /// <summary>Drops a message of another fence, generation, worker or step.</summary>
    public void DropStale(string what)
    {
        Session = Session with { StaleMessages = Session.StaleMessages + 1 };
        Note = $"dropped a stale message: {what}";
    }

    public JobDecision End() => new(Record, Session, _events, _effects, Note) { Fault = Fault };
}
