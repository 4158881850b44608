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
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public JobRecord Record { get; private set; } = JobRecord.Empty.Apply(new OwnershipTaken { Fence = 1 });

    public JobSession Session { get; private set; } = new() { Job = "job-1", Secret = ByteString.CopyFromUtf8("secret") };

    public List<IJobEvent> Journal { get; } = [new OwnershipTaken { Fence = 1 }];

    public List<ToWorker> Sent { get; } = [];

    public List<CheckpointManifest> Checkpoints { get; } = [];

    /// <summary>Where the run goes on; null: it is new.</summary>
    public ResumePoint? Resume { get; init; }

    /// <summary>plan.json; empty before the job is placed.</summary>
    public string Plan { get; private set; } = "";

    /// <summary>Chooses the next message of those that wait; the default takes them in order.</summary>
    public Func<IReadOnlyList<object>, int> Next { get; init; } = _ => 0;

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
                _inputs.Enqueue(workers.Fleet);
                break;
            case JobEffect.Send { Message: var message }:
                // A command may only follow the event that binds its worker.
                Assert.Contains(Journal.OfType<WorkerBound>(), bound => bound.Worker.WorkerId == message.Key.WorkerId);
                Sent.Add(message);
                foreach (var answer in workers.Obey(message.Key, message.Message))
                {
                    _inputs.Enqueue(new FromWorker(message.Key, answer));
                }

                break;
            case JobEffect.PublishPlan plan:
                Plan = plan.Json;
                break;
            case JobEffect.WriteCheckpoint checkpoint:
                Checkpoints.Add(checkpoint.Manifest);
                _inputs.Enqueue(new JobInput.CheckpointMade(checkpoint.Manifest));
                break;
            case JobEffect.Export:
                _inputs.Enqueue(new JobInput.AdapterExported("adapter"));
                break;
        }
    }
}
