using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Persistence;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Data.Sqlite;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>One job: persists what <see cref="JobLife"/> decides, then acts on it.</summary>
/// <remarks>
/// Sharded, remembered, and the only writer of its journal and of its run's folder. Its first act in each life is to persist
/// <see cref="OwnershipTaken"/>, whose sequence number is the fence of every command. Nothing is commanded, published or answered
/// from memory alone: events are persisted first. When a second entity of the same job has written, persisting fails and this one stops; so it does when the journal refuses an event.
/// Reading data and writing the adapter run on the thread pool and come back as messages; no field is touched from there.
/// </remarks>
#pragma warning disable CA1001 // An actor's end is PostStop: it disposes what the actor owns.
internal sealed class JobEntity : UntypedPersistentActor, IWithTimers
#pragma warning restore CA1001
{
    private const int SqliteIoError = 10;
    private const int SqliteFull = 13;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(30);

    private readonly IActorRef _workers;
    private readonly JobFolders _folders;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stopped = new();
    private readonly HashSet<IActorRef> _watchers = [];
    private readonly RunPublication _publication;
    private JobRecord _record = JobRecord.Empty;
    private JobSession _session;
    private JobStatus _told = new();
    private (IActorRef Asker, string Output)? _submitting;

    public JobEntity(string job, IActorRef workers, JobFolders folders, TimeProvider clock)
    {
        (_workers, _folders, _clock) = (workers, folders, clock);
        PersistenceId = $"job-{job}";
        _publication = new RunPublication(job);
        _session = new JobSession
        {
            Job = job,
            Secret = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(32)),
            StateFolder = Path.Combine(folders.Jobs, job),
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
                var asker = Sender;
                Decide(message, () => asker.Tell(Status()));
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
        // Not a second writer's doing: whoever waits must hear it, though it cannot be journaled.
        if (cause.GetBaseException() is SqliteException { SqliteErrorCode: SqliteIoError or SqliteFull } full)
        {
            TellFailed(RunFolder.Sentence(_submitting?.Output ?? _record.Output, full));
        }
    }

    // An event that was refused did not happen, and what should follow from it never will: only a new life, from the journal, is consistent.
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        Log.Error(cause, "Job {0}: the journal refused {1} (sequence number {2}).", _session.Job, @event.GetType().Name, sequenceNr);
        TellFailed($"The job's journal refused {@event.GetType().Name}, so the job cannot go on: {cause.GetBaseException().Message}");
        Context.Stop(Self);
    }

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
        base.PostStop();
    }

    private void Submit(SubmitJob submit)
    {
        var asker = Sender;
        if (_record.IsSubmitted)
        {
            asker.Tell(new SubmitJobReply { Job = _session.Job });
            return;
        }

        var read = JobRequests.Check(submit.Request);
        if (read.Spec is not { } spec)
        {
            asker.Tell(new SubmitJobReply { Errors = { read.Errors } });
            return;
        }

        SetReceiveTimeout(null);
        _submitting = (asker, spec.Output);
        TakeOwnership(() => Decide(
            new JobInput.Submitted(submit.Request, spec, read.ResolvedYaml),
            () =>
            {
                _submitting = null;
                asker.Tell(new SubmitJobReply { Job = _session.Job });
            }));
    }

    private void Watch(IActorRef watcher)
    {
        if (_watchers.Add(watcher))
        {
            Context.Watch(watcher);
            watcher.Tell(Status());
        }
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
        if (decision.Note is { } note)
        {
            Log.Info("Job {0}: {1}.", _session.Job, note);
        }

        if (decision.Events.Count == 0)
        {
            Adopt(decision, reply);
            return;
        }

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
        if (_watchers.Count > 0)
        {
            Tell(Status());
        }
    }

    private void Do(JobEffect effect)
    {
        switch (effect)
        {
            case JobEffect.Prepare:
                _ = Prepare().PipeTo(Self);
                break;
            case JobEffect.SubscribeToFleet:
                _workers.Tell(new Subscribe(_session.Job, Self));
                break;
            case JobEffect.Send send:
                _workers.Tell(send.Message);
                break;
            case JobEffect.Later later:
                Timers.StartSingleTimer(later.Input, later.Input, later.Delay);
                break;
            case JobEffect.PublishPlan plan:
                Publish(() => _publication.WritePlan(plan.Json));
                break;
            case JobEffect.Export export:
                _ = Export(export.Saved).PipeTo(Self);
                break;
            case JobEffect.End:
                _stopped.Cancel();
                _workers.Tell(new Unsubscribe(_session.Job));
                DeleteSavedStates();
                SetReceiveTimeout(IdleTimeout);
                break;
        }
    }

    private Task<object> Prepare()
    {
        var (request, data, stopped, self) = (_record.Request!, _folders.Data, _stopped.Token, Self);
        var progress = new ToSelf(self);
        return Task.Run<object>(async () =>
        {
            try
            {
                var read = JobRequests.Read(request);
                return read.Spec is { } spec
                    ? new JobInput.Prepared(await JobPreparation.RunAsync(spec, data, progress, stopped))
                    : new JobInput.PreparationFailed(string.Join(" ", read.Errors), Invalid: true);
            }
            catch (InvalidInputException mistake)
            {
                return new JobInput.PreparationFailed(mistake.Message, Invalid: true);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return new JobInput.PreparationFailed($"The data could not be prepared in {data}: {failure.Message}", Invalid: false);
            }
            catch (Exception bug) when (bug is not OperationCanceledException)
            {
                return new JobInput.PreparationFailed($"The preparation of the job failed by an error of the program: {bug}", Invalid: false);
            }
        });
    }

    private Task<object> Export(IReadOnlyList<StateSaved> saved)
    {
        var (material, record, states) = (_session.Material!, _record, _session.StateFolder);
        var folder = Path.Combine(record.Output, RunFolder.AdapterFolderName);
        return Task.Run<object>(() =>
        {
            try
            {
                AdapterExport.Run(material, record, states, saved, folder);
                return new JobInput.AdapterExported(folder);
            }
            catch (Exception failure) when (failure is IOException and not BlobFormatException or UnauthorizedAccessException)
            {
                return new JobInput.PublicationFailed(RunFolder.Sentence(record.Output, failure));
            }
            catch (Exception failure)
            {
                return new JobInput.PublicationFailed($"The adapter of step {record.CommittedStep} could not be written: {failure.Message}");
            }
        });
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

    private void DeleteSavedStates()
    {
        try
        {
            Directory.Delete(_session.StateFolder, recursive: true);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // Nothing was saved, or a worker still writes: what is left is named by the job and in nobody's way.
        }
    }

    private void Note(IJobEvent happened)
    {
        if (happened is not (StepCommitted or WindowOpened))
        {
            Log.Info("Job {0}: {1}, {2}. {3}", _session.Job, happened.GetType().Name, _record.State, _record.Reason);
        }
    }

    /// <summary>Tells the watchers, and whoever waits for the submission's answer, of a failure that the journal cannot hold.</summary>
    private void TellFailed(string reason)
    {
        _submitting?.Asker.Tell(new Akka.Actor.Status.Failure(new IOException(reason)));
        var status = Status();
        status.State = JobState.Failed;
        status.Reason = reason;
        Tell(status);
    }

    private JobStatus Status() => JobReport.Status(_record, _session);

    private void Tell(JobStatus status)
    {
        if (status.Equals(_told))
        {
            return;
        }

        _told = status;
        foreach (var watcher in _watchers)
        {
            watcher.Tell(status);
        }
    }

    private sealed class ToSelf(IActorRef self) : IProgress<string>
    {
        public void Report(string value) => self.Tell(new JobInput.PreparationProgressed(value));
    }
}
