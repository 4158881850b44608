using System.Collections.Immutable;
using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Microsoft.Data.Sqlite;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class JobFullJournalTests(ITestOutputHelper output) : TestKit(output: output)
{
    /// <summary>Whoever submits a job on a full disk is answered at once and not after the question's time is up.</summary>
    [Fact]
    public async Task Submit_WhereTheJournalsDiskIsFull_IsAnsweredWithTheSentence()
    {
        using var job = new SampleJob();
        var folders = new JobFolders(job.Folder.At("data"), job.Folder.At("jobs"), job.Folder.At("stages"));
        var workers = TestActor;
        var entity = Sys.ActorOf(Props.Create(() => new JobEntity("job-a", workers, folders, TimeProvider.System)));

        entity.Tell(new SubmitJob { Job = "job-a", Request = job.Request() }, TestActor);

        var answer = await ExpectMsgAsync<Status.Failure>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Matches(@"^The output folder /\S+ cannot be written \(.*disk is full.*\); make room", Assert.IsType<IOException>(answer.Cause).Message);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) => builder.AddHocon(
        $$"""
        akka.persistence.journal {
          plugin = "akka.persistence.journal.full"
          full { class = "{{typeof(FullJournal).AssemblyQualifiedName}}", plugin-dispatcher = "akka.actor.default-dispatcher" }
        }
        """,
        HoconAddMode.Prepend);

    /// <summary>Has no room for any event.</summary>
    private sealed class FullJournal : MemoryJournal
    {
        protected override Task<IImmutableList<Exception?>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken) =>
            Task.FromException<IImmutableList<Exception?>>(new SqliteException("SQLite Error 13: 'database or disk is full'.", 13));
    }
}
