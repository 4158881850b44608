using Google.Protobuf;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Drives a job through its life in memory: decisions, events, effects, and fake workers that obey.</summary>
internal sealed class PureRun(JobMaterial material, SubmitJobRequest request, FakeWorkers workers)
{
    private readonly Queue<object> _inputs = new();
    private readonly List<(DateTimeOffset At, object Input)> _later = [];
    private readonly HashSet<WorkerKey> _lost = [];
    private readonly List<CheckpointManifest> _unwritten = [];
    private long _version = 100;
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public JobRecord Record { get; private set; } = JobRecord.Empty.Apply(new OwnershipTaken { Fence = 1 });

    public JobSession Session { get; private set; } = new() { Job = "job-1", Secret = ByteString.CopyFromUtf8("secret") };

    public List<IJobEvent> Journal { get; } = [new OwnershipTaken { Fence = 1 }];

    public List<ToWorker> Sent { get; } = [];

    /// <summary>The fleet as the job was last told of it.</summary>
    public FleetSnapshot Fleet { get; private set; } = workers.Fleet;

    public DateTimeOffset Now => _now;

    public List<CheckpointManifest> Checkpoints { get; } = [];

    /// <summary>Whether manifests take until <see cref="FinishCheckpoints"/> to be durable.</summary>
    public bool HoldsCheckpoints { get; set; }

    /// <summary>The checkpoints whose older ones were to be deleted.</summary>
    public List<ulong> Trimmed { get; } = [];

    /// <summary>Where the run goes on; null: it is new.</summary>
    public ResumePoint? Resume { get; init; }

    /// <summary>plan.json; empty before the job is placed.</summary>
    public string Plan { get; private set; } = "";

    /// <summary>Chooses the next message of those that wait; the default takes them in order.</summary>
    public Func<IReadOnlyList<object>, int> Next { get; set; } = _ => 0;

    /// <summary>Called before each message.</summary>
    public Action<PureRun>? Before { get; set; }

    public void Submit()
    {
        var read = JobRequests.Read(request);
        Tell(new JobInput.Submitted(request, read.Spec!, read.ResolvedYaml));
    }

    /// <summary>Handles a message and everything that follows from it.</summary>
    public void Tell(object input)
    {
        _inputs.Enqueue(input);
        while (_inputs.Count > 0)
        {
            Before?.Invoke(this);
            One(Take());
        }
    }

    /// <summary>Ends a worker's life, as the directory tells it: first the loss, then the fleet without it.</summary>
    public void Lose(WorkerKey worker, string reason = "its process ended.", bool left = false, double silence = 0)
    {
        _lost.Add(worker);
        Fleet = new FleetSnapshot(++_version, Fleet.Workers.RemoveAll(other => other.Key == worker));
        Tell(new WorkerLost(worker, reason, left) { Silence = TimeSpan.FromSeconds(silence) });
        Tell(Fleet);
    }

    /// <summary>The same before the message that is handled next.</summary>
    public void LoseNow(WorkerKey worker)
    {
        _lost.Add(worker);
        Fleet = new FleetSnapshot(++_version, Fleet.Workers.RemoveAll(other => other.Key == worker));
        One(new WorkerLost(worker, "its process ended."));
        One(Fleet);
    }

    /// <summary>A worker attaches, or says something else of itself; an earlier life of it is lost by that.</summary>
    public void Attach(AttachedWorker worker)
    {
        var earlier = Fleet.Workers.FirstOrDefault(other => other.Key.WorkerId == worker.Key.WorkerId && other.Key != worker.Key);
        Fleet = new FleetSnapshot(++_version, [.. Fleet.Workers.RemoveAll(other => other.Key.WorkerId == worker.Key.WorkerId), worker]);
        if (earlier is not null)
        {
            _lost.Add(earlier.Key);
            Tell(new WorkerLost(earlier.Key, "it was started again."));
        }

        Tell(Fleet);
    }

    /// <summary>Lets time pass; what was to be told later and is due by then is told at its time.</summary>
    public void Pass(double seconds)
    {
        var until = _now + TimeSpan.FromSeconds(seconds);
        while (_later.Where(later => later.At <= until).OrderBy(later => later.At).FirstOrDefault() is { Input: { } input } due)
        {
            _later.Remove(due);
            _now = due.At > _now ? due.At : _now;
            Tell(input);
        }

        _now = until;
    }

    /// <summary>The manifests that were being written are durable.</summary>
    public void FinishCheckpoints()
    {
        HoldsCheckpoints = false;
        var written = _unwritten.ToList();
        _unwritten.Clear();
        written.ForEach(manifest => Tell(new JobInput.CheckpointMade(manifest)));
    }

    /// <summary>The same job in the next life of its coordinator: the journal is all that is left.</summary>
    public void Restart(FleetSnapshot fleet)
    {
        _inputs.Clear();
        _later.Clear();
        Record = Journal.Aggregate(JobRecord.Empty, (record, happened) => record.Apply(happened));
        var owned = new OwnershipTaken { Fence = (ulong)Journal.Count + 1 };
        Journal.Add(owned);
        Record = Record.Apply(owned);
        Session = new JobSession { Job = "job-1", Secret = ByteString.CopyFromUtf8("another") };
        Fleet = fleet;
        Tell(new JobInput.Recovered());
    }

    /// <summary>Handles one message alone and says what it leads to.</summary>
    public JobDecision One(object input)
    {
        _now += TimeSpan.FromMilliseconds(1);
        var decision = JobLife.Decide(Record, Session, input, _now);
        foreach (var happened in decision.Events)
        {
            Record = Record.Apply(happened);
            Journal.Add(happened);
        }

        Assert.Equal(decision.Record, Record);
        Session = decision.Session;
        foreach (var effect in decision.Effects)
        {
            Do(effect);
        }

        return decision;
    }

    private object Take()
    {
        var waiting = _inputs.ToList();
        var chosen = waiting[Next(waiting)];
        waiting.Remove(chosen);
        _inputs.Clear();
        waiting.ForEach(_inputs.Enqueue);
        return chosen;
    }

    private void Do(JobEffect effect)
    {
        switch (effect)
        {
            case JobEffect.Prepare:
                _inputs.Enqueue(new JobInput.Prepared(material, Resume));
                break;
            case JobEffect.SubscribeToFleet:
                _inputs.Enqueue(Fleet);
                break;
            case JobEffect.Send { Message: var message }:
                // A command may only follow the event that binds its worker.
                Assert.Contains(new BoundWorker(message.Key, Record.Fence), Record.Bound);
                Sent.Add(message);
                if (_lost.Contains(message.Key))
                {
                    break;
                }

                foreach (var answer in workers.Obey(message.Key, message.Message))
                {
                    _inputs.Enqueue(new FromWorker(message.Key, answer));
                }

                break;
            case JobEffect.Later later:
                // As the entity's timers: the same input again is told later instead.
                _later.RemoveAll(known => known.Input.Equals(later.Input));
                _later.Add((_now + later.Delay, later.Input));
                break;
            case JobEffect.PublishPlan plan:
                Plan = plan.Json;
                break;
            case JobEffect.WriteCheckpoint checkpoint:
                Checkpoints.Add(checkpoint.Manifest);
                if (HoldsCheckpoints)
                {
                    _unwritten.Add(checkpoint.Manifest);
                    break;
                }

                _inputs.Enqueue(new JobInput.CheckpointMade(checkpoint.Manifest));
                break;
            case JobEffect.DeleteOlderCheckpoints older:
                Assert.Contains(Journal, happened => happened is CheckpointWritten written && written.Step == older.Newest);
                Trimmed.Add(older.Newest);
                break;
            case JobEffect.Export:
                _inputs.Enqueue(new JobInput.AdapterExported("adapter"));
                break;
        }
    }
}
