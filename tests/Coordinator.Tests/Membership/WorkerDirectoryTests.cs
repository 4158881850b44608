using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Microsoft.Extensions.Time.Testing;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Membership;

public sealed class WorkerDirectoryTests(ITestOutputHelper output) : TestKit(output: output)
{
    private readonly FakeTimeProvider _time = new();
    private IActorRef _directory = ActorRefs.Nobody;
    private IActorRef? _jobs;

    [Fact]
    public async Task Subscribe_AfterAttach_GetsTheFleet()
    {
        Create();
        await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        var snapshot = await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("worker-0", Assert.Single(snapshot.Workers).Key.WorkerId);
    }

    [Fact]
    public async Task StreamMessage_OfAJob_ReachesItsSubscriberAndGivesTheCreditBack()
    {
        Create();
        var (stream, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        using var credit = new SemaphoreSlim(0);
        _directory.Tell(new StreamMessage(stream, key, Ready("job-b"), credit));
        _directory.Tell(new StreamMessage(stream, key, Ready("job-a"), credit));
        var heard = await ExpectMsgAsync<FromWorker>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((key, "job-a"), (heard.Key, heard.Message.GenerationReady.Scope.Job));
        Assert.Equal(2, credit.CurrentCount);
    }

    /// <summary>A coordinator that another one has taken over from goes on for a while.</summary>
    [Fact]
    public async Task Subscribe_WithAnOlderFence_LeavesTheNewerSubscriber()
    {
        Create();
        var (stream, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor, Fence: 7));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        _directory.Tell(new Subscribe("job-a", ActorRefs.Nobody, Fence: 3));
        using var credit = new SemaphoreSlim(0);
        _directory.Tell(new StreamMessage(stream, key, Ready("job-a"), credit));
        await ExpectMsgAsync<FromWorker>(cancellationToken: TestContext.Current.CancellationToken);
    }

    /// <summary>It was not attached when its job ended.</summary>
    [Theory]
    [InlineData(JobState.Succeeded, true)]
    [InlineData(JobState.Cancelled, true)]
    [InlineData(JobState.Recovering, false)]
    [InlineData(JobState.Unspecified, false)]
    public async Task StreamMessage_OfAJobThatNobodyListensFor_IsAnsweredByTheReleaseIfItHasEnded(JobState state, bool releases)
    {
        _jobs = TestActor;
        Create();
        var (stream, key, outbox) = await OpenAsync("worker-0", 1);
        using var credit = new SemaphoreSlim(0);
        foreach (var (generation, fence) in ((ulong, ulong)[])[(3, 5), (2, 9)])
        {
            var message = Ready("job-a");
            message.GenerationReady.Scope = new JobScope { Job = "job-a", Generation = generation, Fence = fence };
            _directory.Tell(new StreamMessage(stream, key, message, credit));
            Assert.Equal("job-a", (await ExpectMsgAsync<GetJob>(cancellationToken: TestContext.Current.CancellationToken)).Job);
        }

        _directory.Tell(new JobStatus { Job = "job-a", State = state });
        await _directory.Ask<WorkerActivities>(new GetActivities(), TestContext.Current.CancellationToken);
        Assert.True(outbox.TryRead(out var accepted) && accepted.Accepted is not null);
        Assert.Equal(releases, outbox.TryRead(out var release));
        if (releases)
        {
            Assert.Equal(new JobScope { Job = "job-a", Generation = 3, Fence = 9 }, release!.Release.Scope);
        }
    }

    [Fact]
    public async Task ToWorker_WhileTheStreamIsBroken_IsSentAfterTheReconnect()
    {
        Create();
        var (stream, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new StreamClosed(stream, key));
        _directory.Tell(new ToWorker(key, new CoordinatorMessage { SaveState = new SaveState { Scope = Scope("job-a") } }));
        var (_, _, outbox) = await OpenAsync("worker-0", 1);
        Assert.True(outbox.TryRead(out var first));
        Assert.Equal(CoordinatorMessage.BodyOneofCase.Accepted, first.BodyCase);
        Assert.True(outbox.TryRead(out var second));
        Assert.Equal(CoordinatorMessage.BodyOneofCase.SaveState, second.BodyCase);
    }

    [Fact]
    public async Task ToWorker_ThatDoesNotRead_LosesTheWorker()
    {
        Create();
        var (_, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        for (var i = 0; i < 1_000; i++) _directory.Tell(new ToWorker(key, new CoordinatorMessage { SaveState = new SaveState { Scope = Scope("job-a") } }));
        Assert.Equal(key, (await ExpectMsgAsync<WorkerLost>(cancellationToken: TestContext.Current.CancellationToken)).Key);
        Assert.Empty((await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken)).Workers);
    }

    [Fact]
    public async Task Reconnect_WithMoreToRepeatThanTheOutboxHolds_LosesTheWorker()
    {
        Create();
        var (stream, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        _directory.Tell(new StreamClosed(stream, key));
        for (var i = 0; i < new MembershipOptions().OutboxCapacity; i++)
            _directory.Tell(new ToWorker(key, new CoordinatorMessage { SaveState = new SaveState { Scope = Scope($"job-{i}") } }));
        await OpenAsync("worker-0", 1);
        var lost = await ExpectMsgAsync<WorkerLost>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((key, "it left 256 messages unread."), (lost.Key, lost.Reason));
        Assert.Empty((await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken)).Workers);
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Leave_OfAWorker_IsToldAsItsOwnEndAndEndsTheStream()
    {
        Create();
        var (stream, key, outbox) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        using var credit = new SemaphoreSlim(0);
        _directory.Tell(new StreamMessage(stream, key, new WorkerMessage { Leave = new WorkerLeave { Reason = "it was told to end." } }, credit));
        Assert.Equal(new WorkerLost(key, "it was told to end.", Left: true), await ExpectMsgAsync<WorkerLost>(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Empty((await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken)).Workers);
        List<CoordinatorMessage> written = [];
        await foreach (var message in outbox.ReadAllAsync(TestContext.Current.CancellationToken)) written.Add(message);
        Assert.Equal("worker-0 left: it was told to end.", written[^1].Refused.Message);
    }

    [Fact]
    public async Task Drain_OfAWorker_IsToldWithTheFleetAndItsJobsHearWhatItStillSays()
    {
        Create();
        var (stream, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        using var credit = new SemaphoreSlim(0);
        _directory.Tell(new StreamMessage(stream, key, new WorkerMessage { Drain = new WorkerDrain { Reason = "it was told to end." } }, credit));
        Assert.Equal("it was told to end.", Assert.Single((await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken)).Workers).DrainReason);
        _directory.Tell(new StreamMessage(stream, key, new WorkerMessage { Joined = new GenerationJoined { Scope = Scope("job-a") } }, credit));
        Assert.Equal(WorkerMessage.BodyOneofCase.Joined, (await ExpectMsgAsync<FromWorker>(cancellationToken: TestContext.Current.CancellationToken)).Message.BodyCase);
    }

    [Fact]
    public async Task Heartbeats_OfAStuckWorker_LoseIt()
    {
        Create();
        var (stream, key, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        using var credit = new SemaphoreSlim(0);
        for (var i = 0; i < 5; i++)
        {
            _directory.Tell(new StreamMessage(stream, key, new WorkerMessage { Heartbeat = new Heartbeat { StuckAfterSeconds = 0.001 } }, credit));
        }

        await credit.WaitAsync(TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Matches("no progress", (await ExpectMsgAsync<WorkerLost>(cancellationToken: TestContext.Current.CancellationToken)).Reason);
    }

    [Fact]
    public async Task StreamMessage_OfAReplacedStream_DoesNotReachTheJob()
    {
        Create();
        var (replaced, key, _) = await OpenAsync("worker-0", 1);
        var (stream, _, _) = await OpenAsync("worker-0", 1);
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        using var credit = new SemaphoreSlim(0);
        var (late, current) = (Ready("job-a"), Ready("job-a"));
        current.GenerationReady.Scope.Generation = 2;
        _directory.Tell(new StreamMessage(replaced, key, late, credit));
        _directory.Tell(new StreamMessage(stream, key, current, credit));
        var heard = await ExpectMsgAsync<FromWorker>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2UL, heard.Message.GenerationReady.Scope.Generation);
        Assert.Equal(2, credit.CurrentCount);
    }

    [Fact]
    public async Task Open_LowerIncarnation_IsAnsweredByARefusalAndTheEnd()
    {
        Create();
        await OpenAsync("worker-0", 2);
        var outbox = Channel.CreateBounded<CoordinatorMessage>(8);
        var opened = await _directory.Ask<StreamOpened>(new OpenStream(Worker("worker-0", 1), outbox.Writer, new AttachAccepted()), TestContext.Current.CancellationToken);
        Assert.False(opened.Admitted);
        var message = await outbox.Reader.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ErrorCode.StaleIncarnation, message.Refused.Code);
        await outbox.Reader.Completion;
    }

    [Fact]
    public async Task FleetUnavailable_IsToldToLaterSubscribersToo()
    {
        Create();
        _directory.Tell(new FleetUnavailable("no worker starts."));
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("no worker starts.", (await ExpectMsgAsync<FleetUnavailable>(cancellationToken: TestContext.Current.CancellationToken)).Reason);
    }

    [Fact]
    public async Task FleetLimit_IsToldNowAndToLaterSubscribersBeforeTheFleet()
    {
        Create();
        _directory.Tell(new Subscribe("job-a", TestActor));
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
        _directory.Tell(new FleetLimit(3));
        Assert.Equal(3, (await ExpectMsgAsync<FleetLimit>(cancellationToken: TestContext.Current.CancellationToken)).MaxWorkers);
        _directory.Tell(new Subscribe("job-b", TestActor));
        Assert.Equal(3, (await ExpectMsgAsync<FleetLimit>(cancellationToken: TestContext.Current.CancellationToken)).MaxWorkers);
        await ExpectMsgAsync<FleetSnapshot>(cancellationToken: TestContext.Current.CancellationToken);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider)
    {
    }

    private void Create() => _directory = Sys.ActorOf(WorkerDirectory.Props(new MembershipOptions(), _time, (job, asker) => _jobs?.Tell(new GetJob { Job = job }, asker)));

    private async Task<(long Stream, WorkerKey Key, ChannelReader<CoordinatorMessage> Outbox)> OpenAsync(string id, ulong incarnation)
    {
        var outbox = Channel.CreateBounded<CoordinatorMessage>(new MembershipOptions().OutboxCapacity);
        var worker = Worker(id, incarnation);
        var opened = await _directory.Ask<StreamOpened>(new OpenStream(worker, outbox.Writer, new AttachAccepted()), TestContext.Current.CancellationToken);
        Assert.True(opened.Admitted);
        return (opened.Stream, worker.Key, outbox.Reader);
    }

    private static AttachedWorker Worker(string id, ulong incarnation) =>
        new(new WorkerKey(id, incarnation), new NumericClass { Backend = "cpu" }, "http://127.0.0.1:1", 0, "cpu", FastBfloat16: false);

    private static JobScope Scope(string job) => new() { Job = job, Generation = 1, Fence = 1 };

    private static WorkerMessage Ready(string job) => new() { GenerationReady = new GenerationReady { Scope = Scope(job) } };
}
