using System.Collections.Immutable;
using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class JobJournalRefusalTests(ITestOutputHelper output) : TestKit(output: output)
{
    [Fact]
    public async Task Entity_WhoseEventTheJournalRefuses_TellsWhoeverWaitsAndStops()
    {
        using var job = new SampleJob();
        var folders = new JobFolders(job.Folder.At("data"), job.Folder.At("jobs"), job.Folder.At("stages"));
        var workers = TestActor;
        var entity = Sys.ActorOf(Props.Create(() => new JobEntity("job-a", workers, folders, TimeProvider.System)));
        Watch(entity);
        entity.Tell(new WatchJob { Job = "job-a" }, TestActor);
        await ExpectMsgAsync<JobStatus>(cancellationToken: TestContext.Current.CancellationToken);

        entity.Tell(new SubmitJob { Job = "job-a", Request = job.Request() }, TestActor);

        const string Sentence = "The job's journal refused OwnershipTaken, so the job cannot go on: not this one";
        var answer = await ExpectMsgAsync<Status.Failure>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(Sentence, Assert.IsType<IOException>(answer.Cause).Message);
        var status = await ExpectMsgAsync<JobStatus>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((JobState.Failed, Sentence), (status.State, status.Reason));
        await ExpectTerminatedAsync(entity, cancellationToken: TestContext.Current.CancellationToken);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => builder.AddHocon(
        $$"""
        akka.persistence.journal {
          plugin = "akka.persistence.journal.refusing"
          refusing { class = "{{typeof(RefusingJournal).AssemblyQualifiedName}}", plugin-dispatcher = "akka.actor.default-dispatcher" }
        }
        """,
        HoconAddMode.Prepend);

    /// <summary>Refuses every event.</summary>
    private sealed class RefusingJournal : MemoryJournal
    {
        protected override Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken) =>
            Task.FromResult<IImmutableList<Exception?>>([.. messages.Select(_ => new NotSupportedException("not this one"))]);
    }
}
