using System.Collections.Immutable;
using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Microsoft.Data.Sqlite;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Whoever waits for a job hears that its journal does not take its events, and why.</summary>
public sealed class JobJournalFailureTests(ITestOutputHelper output) : TestKit(output: output)
{
    private const string Advice = "so the job has stopped: see that the journal's disk has room and that no other program holds it, then start the job again.";
    private readonly SampleJob _job = new();

    [Theory]
    [InlineData("refused", "The job's journal refused OwnershipTaken, so the job cannot go on: not this one")]
    [InlineData("busy", "The job's journal could not take OwnershipTaken (SQLite Error 5: 'database is locked'), " + Advice)]
    [InlineData("full", "The output folder OUTPUT cannot be written (SQLite Error 13: 'database or disk is full'); make room or choose another output, then start the job again.")]
    [InlineData("slow", "The job's journal could not take OwnershipTaken (Circuit Breaker Timed out), " + Advice)]
    public async Task Entity_WhoseFirstEventIsNotTaken_TellsSubmitterAndWatchersAndStops(string kind, string reason)
    {
        reason = reason.Replace("OUTPUT", _job.Output, StringComparison.Ordinal);
        var (entity, watcher) = await CreateAsync(kind);

        // Well before the asker's own patience is over.
        var answer = await entity.Ask<object>(new SubmitJob { Job = $"job-{kind}", Request = _job.Request() }, TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);

        Assert.Equal(new NotJournaled { Reason = reason }, answer);
        var status = await watcher.ExpectMsgAsync<JobStatus>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((JobState.Failed, reason), (status.State, status.Reason));
        await ExpectTerminatedAsync(entity, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Entity_WhoseJobAnotherOneHas_SendsTheSubmitterThereAndWatchersNothing()
    {
        var (entity, watcher) = await CreateAsync("second");

        var answer = await entity.Ask<NotJournaled>(new SubmitJob { Job = "job-second", Request = _job.Request() }, TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);

        Assert.True(answer.TakenOver);
        await ExpectTerminatedAsync(entity, cancellationToken: TestContext.Current.CancellationToken);
        await watcher.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Entity_WhoseJournalIsFullLater_TellsItsWatchersWhichFolderNeedsRoom()
    {
        var (entity, watcher) = await CreateAsync("full-later");
        await entity.Ask<SubmitJobReply>(new SubmitJob { Job = "job-full-later", Request = _job.Request() }, TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);

        var status = (JobStatus)await watcher.FishForMessageAsync(message => message is JobStatus { State: JobState.Failed }, TimeSpan.FromSeconds(60), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal($"The output folder {_job.Output} cannot be written (SQLite Error 13: 'database or disk is full'); make room or choose another output, then start the job again.", status.Reason);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => builder.AddHocon(
        $$"""
        akka.persistence.journal {
          plugin = "akka.persistence.journal.failing"
          failing { class = "{{typeof(FailingJournal).AssemblyQualifiedName}}", plugin-dispatcher = "akka.actor.default-dispatcher" }
        }
        """,
        HoconAddMode.Prepend);

    protected override async Task AfterAllAsync()
    {
        await base.AfterAllAsync();
        _job.Dispose();
    }

    private async Task<(IActorRef Entity, Akka.TestKit.TestProbe Watcher)> CreateAsync(string kind)
    {
        var folders = new JobFolders(_job.Folder.At("data"), _job.Folder.At("stages"));
        var (workers, watcher) = (CreateTestProbe().Ref, CreateTestProbe());
        var entity = Sys.ActorOf(Props.Create(() => new JobEntity($"job-{kind}", workers, folders, TimeProvider.System)));
        Watch(entity);
        entity.Tell(new WatchJob { Job = $"job-{kind}" }, watcher.Ref);
        await watcher.ExpectMsgAsync<JobStatus>(cancellationToken: TestContext.Current.CancellationToken);
        return (entity, watcher);
    }

    /// <summary>Takes no event of a job, for the reason in the job's name.</summary>
    private sealed class FailingJournal : MemoryJournal
    {
        protected override Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
        {
            var writes = messages.ToList();
            var isLater = ((IImmutableList<IPersistentRepresentation>)writes[0].Payload)[0].Payload is JobPrepared;
            return writes[0].PersistenceId switch
            {
                "job-job-busy" => throw new SqliteException("SQLite Error 5: 'database is locked'.", 5),
                "job-job-full" => throw new SqliteException("SQLite Error 13: 'database or disk is full'.", 13),
                "job-job-full-later" when isLater => throw new SqliteException("SQLite Error 13: 'database or disk is full'.", 13),
                "job-job-second" => throw new SqliteException("SQLite Error 19: 'UNIQUE constraint failed'.", 19),
                "job-job-slow" => throw new TimeoutException("Circuit Breaker Timed out."),
                "job-job-refused" => Task.FromResult<IImmutableList<Exception?>>([.. writes.Select(_ => new NotSupportedException("not this one"))]),
                _ => base.WriteMessagesAsync(writes, cancellationToken)!,
            };
        }
    }
}
