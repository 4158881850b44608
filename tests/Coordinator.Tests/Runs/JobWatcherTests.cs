using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Microsoft.Extensions.Time.Testing;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class JobWatcherTests(ITestOutputHelper output) : TestKit(output: output)
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Channel<JobStatus> _states = Channel.CreateUnbounded<JobStatus>();

    [Fact]
    public async Task Entity_ThatIsSilent_EndsTheWatchWithAnError()
    {
        var watcher = Create();
        await ExpectMsgAsync<WatchJob>(cancellationToken: TestContext.Current.CancellationToken);
        _clock.Advance(TimeSpan.FromSeconds(9));
        watcher.Tell(new JobStatus { Job = "job-a", State = JobState.Running });
        Assert.Equal(JobState.Running, (await _states.Reader.ReadAsync(TestContext.Current.CancellationToken)).State);
        _clock.Advance(TimeSpan.FromSeconds(9));
        await ExpectMsgAsync<WatchJob>(cancellationToken: TestContext.Current.CancellationToken);

        _clock.Advance(TimeSpan.FromSeconds(2));

        var error = await Assert.ThrowsAsync<JobSilentException>(async () => await _states.Reader.Completion.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.StartsWith("Nothing was heard of the job job-a for 10 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task State_ThatIsToldAgain_IsWrittenOnce()
    {
        var watcher = Create();
        watcher.Tell(new JobStatus { Job = "job-a", State = JobState.Running });
        watcher.Tell(new JobStatus { Job = "job-a", State = JobState.Running });
        watcher.Tell(new JobStatus { Job = "job-a", State = JobState.Succeeded });
        List<JobState> states = [];
        await foreach (var status in _states.Reader.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            states.Add(status.State);
        }

        Assert.Equal([JobState.Running, JobState.Succeeded], states);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider)
    {
    }

    private IActorRef Create()
    {
        var (region, writer, clock) = (TestActor, _states.Writer, _clock);
        return Sys.ActorOf(Props.Create(() => new JobWatcher("job-a", region, writer, TimeSpan.FromSeconds(10), clock)));
    }
}
