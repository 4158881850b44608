using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Persistence;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;
using Orchestrator.Protos.Faults;

namespace Orchestrator.Coordinator.Runs;

/// <summary>One job: persists what <see cref="JobLife"/> decides, then acts on it.</summary>
/// <remarks>
/// Sharded, remembered, and the only writer of its journal and of its run's folder. Its first act in each life is to persist
/// <see cref="OwnershipTaken"/>, whose sequence number is the fence of every command. Nothing is commanded, published or answered
/// from memory alone: events are persisted first. When persisting fails this life is over (<see cref="JournalFailure"/> says why), and whoever waits is told.
/// Long work is <see cref="JobWork"/>'s and comes back as a message.
/// </remarks>
#pragma warning disable CA1001 // An actor's end is PostStop: it disposes what the actor owns.
internal sealed class JobEntity : UntypedPersistentActor, IWithTimers
#pragma warning restore CA1001
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(30);

    private readonly IActorRef _workers;
    private readonly JobFolders _folders;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stopped = new();
    private readonly JobWatchers _watchers = new();
    private readonly RunPublication _publication;
    private JobRecord _record = JobRecord.Empty;
    private JobSession _session;
    private IActorRef? _asker;
    private string _output = "";

    public JobEntity(string job, IActorRef workers, JobFolders folders, TimeProvider clock)
    {
        (_workers, _folders, _clock) = (workers, folders, clock);
        PersistenceId = $"job-{job}";
        // The log is asked for here: it is used from other threads as well.
        var log = Log;
        _publication = new RunPublication(job, sentence => log.Warning("Job {0}: {1}", job, sentence));
        _session = new JobSession
        {
            Job = job,
            Secret = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(32)),
        };
    }

    public override string PersistenceId { get; }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool IsActive => _record.IsSubmitted && !_record.HasEnded;

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case IJobEvent happened:
                _record = _record.Apply(happened);
                _output = _record.Output;
                _publication.Recall(_record, happened);
                break;
            case RecoveryCompleted when IsActive:
                TakeOwnership(() =>
                {
                    Publish(() => _publication.Continue(_record));
                    Decide(new JobInput.Recovered(), null);
                });
                break;
            case RecoveryCompleted:
                SetReceiveTimeout(IdleTimeout);
                break;
        }
    }

    protected override void OnCommand(object message)
    {
        switch (message)
        {
            case SubmitJob submit:
                Submit(submit);
                break;
            case GetJob:
                Sender.Tell(Status());
                break;
            case WatchJob:
                Watch(Sender);
                break;
            case Terminated watcher:
                _watchers.Remove(watcher.ActorRef);
                break;
            case CancelJob:
                _asker = Sender;
                Decide(message, () => Answer(Status()));
                break;
            case ReceiveTimeout:
                Context.Parent.Tell(new Passivate(PoisonPill.Instance));
                break;
            default:
                Decide(message, null);
                break;
        }
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        Log.Error(cause, "Job {0}: {1} (sequence number {2}) could not be persisted.", _session.Job, @event.GetType().Name, sequenceNr);
        if (JournalFailure.IsSecondWriter(cause))
        {
            Answer(new NotJournaled { Reason = "Another coordinator has taken the job over; ask again.", TakenOver = true });
        }
        else
        {
            TellFailed(JournalFailure.Sentence(cause, @event.GetType().Name, _output));
        }
    }

    // An event that was refused did not happen, and what should follow from it never will: only a new life, from the journal, is consistent.
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        Log.Error(cause, "Job {0}: the journal refused {1} (sequence number {2}).", _session.Job, @event.GetType().Name, sequenceNr);
        TellFailed(JournalFailure.Refusal(cause, @event.GetType().Name));
        Context.Stop(Self);
    }

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
        EndPublication();
        base.PostStop();
    }

    // Nobody is told of what fails here: the next life has the same address where this one is restarted, and takes the folder anew.
    private void EndPublication()
    {
        try
        {
            _publication.End();
        }
        catch (IOException left)
        {
            Log.Warning("Job {0}: {1}", _session.Job, left.Message);
        }

        _publication.Dispose();
    }

    private void Submit(SubmitJob submit)
    {
        _asker = Sender;
        if (_record.IsSubmitted)
        {
            Answer(new SubmitJobReply { Job = _session.Job });
            return;
        }

        var read = JobRequests.Check(submit.Request);
        if (read.Spec is not { } spec)
        {
            Answer(new SubmitJobReply { Errors = { read.Errors } });
            return;
        }

        SetReceiveTimeout(null);
        _output = spec.Output;
        TakeOwnership(() => Decide(
            new JobInput.Submitted(submit.Request, spec, read.ResolvedYaml),
            () => Answer(new SubmitJobReply { Job = _session.Job })));
    }

    // Commands wait while an event is persisted, so one asker at most waits for its answer.
    private void Answer(object answer)
    {
        _asker?.Tell(answer);
        _asker = null;
    }

    private void Watch(IActorRef watcher)
    {
        if (_watchers.Add(watcher))
        {
            Context.Watch(watcher);
        }

        // Also to one that watches already: it asks to hear that the job's entity lives.
        watcher.Tell(Status());
    }

    private void TakeOwnership(Action then) => Persist(
        new OwnershipTaken { Time = Timestamp.FromDateTimeOffset(_clock.GetUtcNow()), Fence = (ulong)LastSequenceNr + 1 },
        taken =>
        {
            _record = _record.Apply(taken);
            then();
        });

    private void Decide(object input, Action? reply)
    {
        var decision = JobLife.Decide(_record, _session, input, _clock.GetUtcNow());
        if (decision.Fault is { } fault)
        {
            Log.Error(fault, "Job {0}: an error of the program, at {1}.", _session.Job, input.GetType().Name);
        }

        if (decision.Note is { } note)
        {
            Log.Info("Job {0}: {1}.", _session.Job, note);
        }

        if (decision.Events.Count == 0)
        {
            Adopt(decision, reply);
            return;
        }

        FaultPoints.Reach(FaultPoint.JournalWrite, _record.CommittedStep + 1);
        var left = decision.Events.Count;
        PersistAll(decision.Events, happened =>
        {
            _record = _record.Apply(happened);
            Publish(() => _publication.Publish(_record, happened));
            Note(happened);
            if (--left == 0)
            {
                Adopt(decision, reply);
            }
        });
    }

    private void Adopt(JobDecision decision, Action? reply)
    {
        _session = decision.Session;
        foreach (var effect in decision.Effects)
        {
            Do(effect);
        }

        reply?.Invoke();
        if (_watchers.Any)
        {
            _watchers.Tell(Status());
        }
    }

    private void Do(JobEffect effect)
    {
        switch (effect)
        {
            case JobEffect.Prepare:
                Await(JobWork.PrepareAsync(_record.Request!, _folders.Data, new ToSelf(Self), _stopped.Token));
                break;
            case JobEffect.SubscribeToFleet:
                _workers.Tell(new Subscribe(_session.Job, Self, _record.Fence));
                break;
            case JobEffect.Send send:
                if (send.Message.Message.Window is { Steps: [var first, ..] })
                {
                    FaultPoints.Reach(FaultPoint.WindowOpen, first.Number);
                }

                _workers.Tell(send.Message);
                break;
            case JobEffect.Later later:
                Timers.StartSingleTimer(later.Input, later.Input, later.Delay);
                break;
            case JobEffect.PublishPlan plan:
                Publish(() => _publication.WritePlan(plan.Json));
                break;
            case JobEffect.Export export:
                Await(JobWork.ExportAsync(_publication.Folder, _session.Material!, _record, export.Checkpoint));
                break;
            case JobEffect.WriteCheckpoint checkpoint:
                Await(JobWork.WriteCheckpointAsync(_publication.Folder, _record, checkpoint.Manifest));
                break;
            case JobEffect.DeleteOlderCheckpoints older:
                // Here and at once: a few names, never two deletions beside each other, and none left to do when the job's end is told.
                if (JobWork.DeleteOlderCheckpoints(_publication.Folder, _record, older.Newest, _session.Material!.Spec.Training.SaveTotalLimit) is { } failed)
                {
                    Self.Tell(failed);
                }

                break;
            case JobEffect.End:
                _stopped.Cancel();
                Publish(_publication.End);
                _workers.Tell(new Unsubscribe(_session.Job));
                SetReceiveTimeout(IdleTimeout);
                break;
        }
    }

    // What an earlier life has begun is no word to this one, which has the same address where it was restarted.
    private void Await(Task<object> work)
    {
        var (self, life) = (Self, _stopped.Token);
        _ = TellAsync();

        async Task TellAsync()
        {
            var done = await work;
            if (!life.IsCancellationRequested)
            {
                self.Tell(done);
            }
        }
    }

    private void Publish(Action publish)
    {
        try
        {
            publish();
        }
        catch (IOException failure)
        {
            Log.Error("Job {0}: {1}", _session.Job, failure.Message);
            Self.Tell(new JobInput.PublicationFailed(failure.Message));
        }
    }

    private void Note(IJobEvent happened)
    {
        if (happened is not (StepCommitted or WindowOpened))
        {
            Log.Info("Job {0}: {1}, {2}.{3}", _session.Job, happened.GetType().Name, _record.State, _record.Reason.Length > 0 ? $" {_record.Reason}" : "");
        }
    }

    /// <summary>Tells whoever waits of a failure that the journal cannot hold.</summary>
    private void TellFailed(string reason)
    {
        Answer(new NotJournaled { Reason = reason });
        var status = Status();
        status.State = JobState.Failed;
        status.Reason = reason;
        _watchers.Tell(status);
    }

    private JobStatus Status() => JobReport.Status(_record, _session);

    private sealed class ToSelf(IActorRef self) : IProgress<string>
    {
        public void Report(string value) => self.Tell(new JobInput.PreparationProgressed(value));
    }
}
