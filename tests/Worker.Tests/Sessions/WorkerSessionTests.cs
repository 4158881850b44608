using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Tests.Transfer;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>A worker's session against a coordinator that says what the test says.</summary>
public sealed class WorkerSessionTests : IAsyncLifetime
{
    private readonly FakeCoordinator _coordinator = new();
    private readonly CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly WorkerRuntime _runtime = WorkerRuntime.Start(new RuntimeOptions(Threads: NumericEnvironment.Threads));
    private GrpcServer _server = null!;
    private PeerServer _peers = null!;
    private Task _session = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        _server = await GrpcServer.StartAsync(_coordinator);
        _peers = await PeerServer.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), null, TestContext.Current.CancellationToken);
        var options = new WorkerOptions { Coordinators = [_server.Address], JoinToken = "join", Name = "worker-7", Runtime = new RuntimeOptions() };
        var self = new WorkerIdentity { WorkerId = options.Name, Incarnation = 1 };
        var parts = new WorkerParts(self, _runtime, _peers, new ShardStore(null), new Outbox(), new StageActivity(), NullLogger.Instance);
        _session = Task.Run(() => new WorkerSession(options, parts).RunAsync(() => "it was told to end.", _draining.Token, _ending.Token));
        Assert.Equal("join", (await _coordinator.AdmitAsync()).JoinToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _session.WaitAsync(TimeSpan.FromSeconds(30));
        await _peers.DisposeAsync();
        await _server.DisposeAsync();
        _runtime.Dispose();
        _draining.Dispose();
        _ending.Dispose();
    }

    [Fact]
    public async Task Run_ToldToEnd_SaysThatItLeavesAndWhy()
    {
        await _ending.CancelAsync();
        Assert.Equal("it was told to end.", (await _coordinator.HearAsync()).Leave.Reason);
        await _session.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Run_ShutDownByTheCoordinator_LeavesForItsReason()
    {
        _coordinator.Tell(new CoordinatorMessage { Shutdown = new Shutdown { Reason = "the machine is needed." } });
        Assert.Equal("the machine is needed.", (await _coordinator.HearAsync()).Leave.Reason);
        await _session.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Run_DrainedWithoutJobs_LeavesAtOnce()
    {
        await _draining.CancelAsync();
        Assert.Equal("it was told to end.", (await _coordinator.HearAsync()).Leave.Reason);
        await _session.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    /// <summary>It says so, over each new stream again, goes on, and leaves when the last of its jobs is released.</summary>
    [Fact]
    public async Task Run_DrainedWithJobs_GoesOnUntilTheyAreReleased()
    {
        foreach (var job in (string[])["a", "b"])
        {
            _coordinator.Tell(new CoordinatorMessage { Join = new JoinGeneration { Scope = Scope(job, 1) } });
            Assert.Equal((job, 0UL, 0), (await _coordinator.HearAsync()).Joined is { } joined ? (joined.Scope.Job, joined.ActedStep, joined.States.Count) : default);
        }

        await _draining.CancelAsync();
        Assert.Equal("it was told to end.", (await _coordinator.HearAsync()).Drain.Reason);
        _coordinator.Tell(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("a", 1) } });
        _coordinator.EndStream();
        while (await _coordinator.HearAsync() is var again && again.Drain is null)
            Assert.True(again.Attach is not null || again.Joined is not null);
        _coordinator.Tell(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("b", 1) } });
        Assert.Equal("it was told to end.", (await _coordinator.HearAsync()).Leave.Reason);
        await _session.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Run_StreamEnds_AttachesAgainAndSendsItsReportsAgain()
    {
        _coordinator.Tell(Load("a", fence: 1));
        var failure = await _coordinator.HearAsync();
        _coordinator.EndStream();
        Assert.Equal("credential", (await _coordinator.HearAsync()).Attach.JoinToken);
        Assert.Equal(failure, await _coordinator.HearAsync());
    }

    [Fact]
    public async Task Reports_AfterACommandWithAHigherFence_CarryIt()
    {
        _coordinator.Tell(Load("a", fence: 1));
        Assert.Equal(1UL, (await _coordinator.HearAsync()).Failure.Scope.Fence);
        _coordinator.Tell(new CoordinatorMessage { Window = new StepWindow { Scope = Scope("a", fence: 2) } });
        Assert.Equal(2UL, (await _coordinator.HearAsync()).Failure.Scope.Fence);
    }

    [Fact]
    public async Task Release_OfAJobThatStillComputes_DoesNotHoldUpTheStream()
    {
        using var kernel = new ManualResetEventSlim();
        var computing = _runtime.Compute.Run(() => kernel.Wait(TimeSpan.FromSeconds(50)));
        try
        {
            _coordinator.Tell(Load("a", fence: 1, digest: null));
            _coordinator.Tell(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("a", 1) } });
            _coordinator.Tell(Load("b", fence: 1));
            Assert.Equal("b", (await _coordinator.HearAsync()).Failure.Scope.Job);
            Assert.False(computing.IsCompleted);
        }
        finally
        {
            kernel.Set();
            await computing;
        }
    }

    [Fact]
    public async Task Load_OfAJobWhoseReleaseIsUnderWay_BeginsAfterIt()
    {
        using var kernel = new ManualResetEventSlim();
        var computing = _runtime.Compute.Run(() => kernel.Wait(TimeSpan.FromSeconds(50)));
        _coordinator.Tell(Load("a", fence: 1, digest: null));
        _coordinator.Tell(new CoordinatorMessage { Release = new ReleaseJob { Scope = Scope("a", 1) } });
        _coordinator.Tell(Load("a", fence: 2));
        _coordinator.Tell(Load("b", fence: 1));
        Assert.Equal("b", (await _coordinator.HearAsync()).Failure.Scope.Job);
        kernel.Set();
        await computing;
        Assert.Equal(("a", 2UL), ((await _coordinator.HearAsync()).Failure.Scope is { } scope) ? (scope.Job, scope.Fence) : default);
    }

    private static JobScope Scope(string job, ulong fence) => new() { Job = job, Generation = 1, Fence = fence };

    // A stage that cannot be loaded: its shard has no digest, or, with none to fetch, its adapter is nonsense to the compute thread.
    private static CoordinatorMessage Load(string job, ulong fence, string? digest = "none")
    {
        var load = new LoadStage { Scope = Scope(job, fence), Stage = new StageSpec { Constants = new NumericConstants(), Place = new Place() } };
        if (digest is not null)
            load.Shards.Add(new ShardRef { Sha256 = digest });
        return new CoordinatorMessage { LoadStage = load };
    }
}
