using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>An error of the program ends a job in one sentence, and its exception goes to the log.</summary>
public sealed class JobFaultTests(ITestOutputHelper output) : TestKit(output: output)
{
    private readonly SampleJob _job = new();

    [Fact]
    public async Task Entity_WhoseDecisionThrows_FailsTheJobAndIsNotStartedAgain()
    {
        var folders = new JobFolders(_job.Folder.At("data"), _job.Folder.At("stages"));
        var (workers, watcher) = (CreateTestProbe().Ref, CreateTestProbe());
        var material = await _job.MaterialAsync(_job.Request());
        var entity = Sys.ActorOf(Props.Create(() => new JobEntity("job-fault", workers, folders, TimeProvider.System)));
        entity.Tell(new WatchJob { Job = "job-fault" }, watcher.Ref);
        await entity.Ask<SubmitJobReply>(new SubmitJob { Job = "job-fault", Request = _job.Request() }, TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);

        await EventFilter.Exception<NullReferenceException>(contains: "at Prepared").ExpectOneAsync(
            TimeSpan.FromSeconds(30),
            () =>
            {
                entity.Tell(new JobInput.Prepared(material with { Steps = null! }));
                return Task.CompletedTask;
            },
            TestContext.Current.CancellationToken);

        var status = (JobStatus)await watcher.FishForMessageAsync(message => message is JobStatus { State: JobState.Failed }, TimeSpan.FromSeconds(30), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(status.Fault);
        Assert.Matches("^The job failed before step 1 by an error of the program: [^\\n]+\\.$", status.Reason);
        var later = await entity.Ask<JobStatus>(new GetJob { Job = "job-fault" }, TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
        Assert.Equal((JobState.Failed, status.Reason), (later.State, later.Reason));
    }

    [Fact]
    public async Task Preparation_ThatThrows_GivesTheFirstLineToTheUserAndTheExceptionToTheLog()
    {
        var answer = await JobWork.PrepareAsync(_job.Request(), _job.Folder.At("data"), new Broken(), TestContext.Current.CancellationToken);

        var failed = Assert.IsType<JobInput.PreparationFailed>(answer);
        Assert.Equal("The preparation of the job failed by an error of the program: The first line.", failed.Reason);
        Assert.False(failed.Invalid);
        Assert.IsType<InvalidOperationException>(failed.Fault);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider) =>
        builder.AddHocon("akka.persistence.journal.plugin = akka.persistence.journal.inmem", HoconAddMode.Prepend);

    protected override async Task AfterAllAsync()
    {
        await base.AfterAllAsync();
        _job.Dispose();
    }

    private sealed class Broken : IProgress<string>
    {
        public void Report(string value) => throw new InvalidOperationException("The first line.\n   at the second one");
    }
}
