using System.Collections.Immutable;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Membership;

public sealed class FleetTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly MembershipOptions Options = new();
    private DateTimeOffset _now = Start;
    private Fleet _fleet = Fleet.Empty(Options, Start);

    [Fact]
    public void Open_NewWorker_IsAdmittedAndInTheSnapshot()
    {
        var effects = Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Equal([new FleetEffect.Admit(1, new WorkerKey("worker-0", 5), Reconnect: false)], effects);
        Assert.Equal(1, _fleet.Snapshot.Version);
        Assert.Equal("worker-0", Assert.Single(_fleet.Snapshot.Workers).Key.WorkerId);
    }

    [Fact]
    public void Open_HigherIncarnation_EndsAndLosesTheFirst()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        var effects = Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 6)));
        Assert.Collection(effects,
            effect => Assert.Equal(1, Assert.IsType<FleetEffect.End>(effect).Stream),
            effect => Assert.Equal(new WorkerKey("worker-0", 5), Assert.IsType<FleetEffect.Lose>(effect).Key),
            effect => Assert.Equal(2, Assert.IsType<FleetEffect.Admit>(effect).Stream));
        Assert.Equal(6UL, Assert.Single(_fleet.Snapshot.Workers).Key.Incarnation);
    }

    [Fact]
    public void Open_LowerIncarnation_IsRefused()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        var refused = Assert.IsType<FleetEffect.Refuse>(Assert.Single(Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 4)))));
        Assert.Equal(ErrorCode.StaleIncarnation, refused.Failure.Code);
        Assert.Equal(5UL, Assert.Single(_fleet.Snapshot.Workers).Key.Incarnation);
    }

    [Fact]
    public void Open_SameIncarnationWithinGrace_ComesBackWithoutALoss()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Do(new FleetEvent.StreamClosed(1, new WorkerKey("worker-0", 5)));
        Pass(TimeSpan.FromSeconds(1));
        var effects = Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 5)));
        Assert.Equal([new FleetEffect.Admit(2, new WorkerKey("worker-0", 5), Reconnect: true)], effects);
        Assert.Equal(1, _fleet.Snapshot.Version);
    }

    [Fact]
    public void Close_WithoutReturn_LosesTheWorkerAfterTheGrace()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Do(new FleetEvent.StreamClosed(1, new WorkerKey("worker-0", 5)));
        Assert.Contains(Pass(Options.ReconnectGrace), effect => effect is FleetEffect.Lose { Key.Incarnation: 5 });
        Assert.Empty(_fleet.Snapshot.Workers);
        Assert.IsType<FleetEffect.Refuse>(Assert.Single(Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 5)))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ProcessEnded_LosesTheWorkerOnceItsStreamIsReadToTheEnd(bool closedFirst)
    {
        var key = new WorkerKey("worker-0", 5);
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        FleetEvent[] events = [new FleetEvent.StreamClosed(1, key), new FleetEvent.ProcessEnded(key, "its process ended.")];
        Assert.Empty(Do(events[closedFirst ? 0 : 1]));
        Assert.Equal([new FleetEffect.Lose(key, "its process ended.")], Do(events[closedFirst ? 1 : 0]));
        Assert.Empty(_fleet.Snapshot.Workers);
    }

    [Fact]
    public void ProcessEnded_OfAnEarlierLife_ChangesNothing()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 6)));
        Do(new FleetEvent.ProcessEnded(new WorkerKey("worker-0", 5), "its process ended."));
        Assert.Empty(Do(new FleetEvent.StreamClosed(2, new WorkerKey("worker-0", 6))));
    }

    [Fact]
    public void Check_SilentForALease_LosesTheWorkerAndEndsItsStream()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Do(new FleetEvent.StreamOpened(2, Worker("worker-1", 5)));
        Pass(TimeSpan.FromSeconds(2));
        Do(new FleetEvent.Heard(2, new WorkerKey("worker-1", 5)));
        var effects = Pass(TimeSpan.FromSeconds(1));
        Assert.Collection(effects,
            effect => Assert.Equal(1, Assert.IsType<FleetEffect.End>(effect).Stream),
            effect => Assert.Equal("worker-0", Assert.IsType<FleetEffect.Lose>(effect).Key.WorkerId));
        Assert.Equal("worker-1", Assert.Single(_fleet.Snapshot.Workers).Key.WorkerId);
    }

    [Fact]
    public void Left_EndsItsStreamAndIsNoLoss()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Empty(Do(new FleetEvent.Left(new WorkerKey("worker-0", 4), "it was told to end.")));
        var effects = Do(new FleetEvent.Left(new WorkerKey("worker-0", 5), "it was told to end."));
        Assert.Collection(effects,
            effect => Assert.Equal("worker-0 left: it was told to end.", Assert.IsType<FleetEffect.End>(effect).Failure.Message),
            effect => Assert.Equal(new FleetEffect.Lose(new WorkerKey("worker-0", 5), "it was told to end.", Left: true), effect));
        Assert.Empty(_fleet.Snapshot.Workers);
        Assert.Empty(Do(new FleetEvent.StreamClosed(1, new WorkerKey("worker-0", 5))));
        Assert.Empty(Pass(Options.Lease));
    }

    [Fact]
    public void Check_LateByItself_ExtendsTheLeases()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        _now += TimeSpan.FromMinutes(10);
        Assert.Empty(Do(new FleetEvent.Tick()));
        Assert.Single(_fleet.Snapshot.Workers);
        Assert.NotEmpty(Pass(Options.Lease));
    }

    [Fact]
    public void Heard_FromAReplacedStream_DoesNotExtendTheLease()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 6)));
        Pass(TimeSpan.FromSeconds(2));
        Do(new FleetEvent.Heard(1, new WorkerKey("worker-0", 5)));
        Assert.Contains(Pass(TimeSpan.FromSeconds(1)), effect => effect is FleetEffect.Lose { Key.Incarnation: 6 });
    }

    [Fact]
    public void Beat_WithoutProgressForAsLongAsItsOperationsTake_LosesTheWorkerAndSaysAtWhat()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Empty(Beating(19.5, progress: 7));
        var lose = Assert.IsType<FleetEffect.Lose>(Beating(1, progress: 7)[^1]);

        Assert.Equal(("worker-0", "it has made no progress for 20.0 s (step 8: backward of micro-batch 5)."), (lose.Key.WorkerId, lose.Reason));
        Assert.Equal(20, lose.Silence.TotalSeconds, 0.5);
    }

    [Fact]
    public void Beat_WithProgressOrWaiting_KeepsTheWorker()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Empty(Beating(15, progress: 7));
        Assert.Empty(Beating(15, progress: 8));
        Assert.Empty(Beating(15, progress: 8, waits: true));
        Assert.Empty(Beating(15, progress: 8));
        Assert.Empty(Beating(60, progress: 8, waits: true));
    }

    [Fact]
    public void Beat_OfAWorkerThatNamesNoLimit_IsNeverStuck()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Empty(Beating(120, progress: 7, stuckAfter: 0));
        Assert.Empty(Beating(120, progress: 7, stuckAfter: double.PositiveInfinity));
    }

    [Fact]
    public void Loss_SaysForHowLongNothingWasHeard()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Equal(3, Assert.IsType<FleetEffect.Lose>(Pass(TimeSpan.FromSeconds(3))[^1]).Silence.TotalSeconds, 0.01);
    }

    [Fact]
    public void Draining_ChangesTheSnapshotOnceAndSurvivesAReconnect()
    {
        Do(new FleetEvent.StreamOpened(1, Worker("worker-0", 5)));
        Assert.Empty(Do(new FleetEvent.Draining(new WorkerKey("worker-0", 5), "it was told to end.")));
        Do(new FleetEvent.Draining(new WorkerKey("worker-0", 5), "it was told again."));
        Do(new FleetEvent.Draining(new WorkerKey("worker-0", 4), "it was told to end."));
        Assert.Equal((2, "it was told to end."), (_fleet.Snapshot.Version, Assert.Single(_fleet.Snapshot.Workers).DrainReason));

        Do(new FleetEvent.StreamClosed(1, new WorkerKey("worker-0", 5)));
        Do(new FleetEvent.StreamOpened(2, Worker("worker-0", 5)));
        Assert.Equal("it was told to end.", Assert.Single(_fleet.Snapshot.Workers).DrainReason);
        Do(new FleetEvent.StreamOpened(3, Worker("worker-0", 6)));
        Assert.Null(Assert.Single(_fleet.Snapshot.Workers).DrainReason);
    }

    /// <summary>Heartbeats twice a second.</summary>
    private List<FleetEffect> Beating(double seconds, ulong progress, bool waits = false, double stuckAfter = 20)
    {
        List<FleetEffect> effects = [];
        var heartbeat = new Heartbeat { Progress = progress, Waits = waits, StuckAfterSeconds = stuckAfter, Activity = "step 8: backward of micro-batch 5" };
        for (var passed = 0.0; passed < seconds; passed += 0.5)
        {
            Do(new FleetEvent.Beat(1, new WorkerKey("worker-0", 5), heartbeat));
            effects.AddRange(Pass(TimeSpan.FromSeconds(0.5)));
        }

        return effects;
    }

    private ImmutableArray<FleetEffect> Do(FleetEvent happened)
    {
        var decision = _fleet.Decide(happened, _now);
        _fleet = decision.Next;
        return decision.Effects;
    }

    /// <summary>Lets time pass in the steps of the lease check.</summary>
    private List<FleetEffect> Pass(TimeSpan time)
    {
        List<FleetEffect> effects = [];
        for (var end = _now + time; _now < end;)
        {
            _now += Options.CheckInterval;
            effects.AddRange(Do(new FleetEvent.Tick()));
        }

        return effects;
    }

    private static AttachedWorker Worker(string id, ulong incarnation) =>
        new(new WorkerKey(id, incarnation), new NumericClass { Backend = "cpu" }, "http://127.0.0.1:1", 0, "cpu", FastBfloat16: false);
}
