using Orchestrator.Protos;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>Generations that end at any point and go on: the state after every step is the undisturbed run's.</summary>
public sealed class GenerationTests : IAsyncDisposable
{
    private readonly ServedWorkers _workers = new();

    public ValueTask DisposeAsync() => _workers.DisposeAsync();

    /// <summary>Where both workers stand when the generation is broken off in its third step, and how it is brought about.</summary>
    public static TheoryData<int, int, string, string, string> Points => new()
    {
        { 2, 1, "no window for rank 1", "gradient of slots", "waits for its first window" },
        { 2, 1, "no votes at rank 0", "vote", "verdict" },
        { 1, 2, "no window for rank 1", "backward of micro-batch 0", "waits for its first window" },
        { 1, 2, "no votes at rank 0", "vote", "verdict" },
        { 1, 2, "no mirror at rank 0", "vote", "mirror of its state" },
    };

    [Theory]
    [MemberData(nameof(Points))]
    public async Task Join_AtAnyPointOfAStep_GoesOnWithTheSameBits(int replicas, int stages, string how, string first, string second)
    {
        var (a, b) = await PairAsync(replicas, stages, mirror: true);
        if (!how.StartsWith("no window", StringComparison.Ordinal))
            await _workers.RunAsync(1, 1, 2, stages, a, b);
        var from = how.StartsWith("no window", StringComparison.Ordinal) ? 0UL : 2;
        if (how == "no votes at rank 0")
            a.Peers.Agreements.Open(ServedWorkers.Job, 99);
        if (how == "no mirror at rank 0")
        {
            // Its mirror of step 2 may have arrived already: that of step 3 does not.
            a.Peers.Tensors.Open(ServedWorkers.Job, 1, new(ulong.MaxValue / 2, ulong.MaxValue / 2));
        }

        if (from == 0)
            _workers.Open(1, 1, 4, a);
        else
            _workers.Open(1, 3, 4, a, b);
        await a.WaitsForAsync(first);
        await b.WaitsForAsync(second);

        var joined = await ServedWorkers.JoinAsync(2, a, b);
        if (how == "no mirror at rank 0" && joined[0].ActedStep == 3)
            from = 3;
        Assert.All(joined, answer => Assert.Equal(from, answer.ActedStep));
        await _workers.LoadAsync(2, replicas, stages, a, b);
        await ServedWorkers.StartAsync(2, from, 2, [a, b], mirror: true);
        await _workers.RunAsync(2, (int)from + 1, 4, stages, a, b);
    }

    /// <summary>Rank 0 has acted on a step whose verdict rank 1 never heard.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public async Task Start_OneStepBack_RunsItAgainAndCountsItApart(int replicas, int stages)
    {
        var (a, b) = await PairAsync(replicas, stages, mirror: false);
        await _workers.RunAsync(1, 1, 2, stages, a, b);
        b.Peers.Agreements.Open(ServedWorkers.Job, 99);
        // To step 3 and no further: what is run of step 4 meanwhile would count as repeated, too.
        _workers.Open(1, 3, 3, a, b);
        await a.HearAsync(message => message.Step?.Step == 3);
        await b.WaitsForAsync("verdict");

        var joined = await ServedWorkers.JoinAsync(2, a, b);
        Assert.Equal([3UL, 2UL], joined.Select(answer => answer.ActedStep));
        Assert.Equal([2UL, 3UL], joined[0].States.Select(state => state.Step));
        Assert.Contains(joined[0].Verdicts, verdict => verdict is { Step: 3, Apply: true, Losses.Count: 0 });
        await _workers.LoadAsync(2, replicas, stages, a, b);
        var ready = await ServedWorkers.StartAsync(2, 2, 2, [a, b]);
        Assert.Equal(joined[0].States[0].Hash, ready[0].StateHash);
        await _workers.RunAsync(2, 3, 4, stages, a, b);
        var totals = a.Steps.Last().Totals;
        var each = 4UL / (ulong)replicas;
        Assert.Equal((4 * each, each), (totals.MicroBatchesRun, totals.MicroBatchesRepeated));
    }

    /// <summary>A fresh worker takes the place of a lost one, whose state its mirror gives.</summary>
    [Fact]
    public async Task Start_WithAFreshWorker_TakesTheLostOnesStateFromItsMirror()
    {
        var (a, b) = await PairAsync(1, 2, mirror: true);
        await _workers.RunAsync(1, 1, 3, 2, a, b);
        await _workers.LoseAsync(b);
        var c = await _workers.AddAsync("c");
        var joined = await ServedWorkers.JoinAsync(2, a, c);
        Assert.Equal((0UL, 0), (joined[1].ActedStep, joined[1].States.Count));
        // The state after step 3 may not have arrived before the loss.
        var mirrored = joined[0].States.Last(state => state.Holding == StateHolding.Mirror);
        var own = joined[0].States.Single(state => state.Holding == StateHolding.Own && state.Step == mirrored.Step);
        Assert.InRange(mirrored.Step, 2UL, 3UL);
        Assert.Equal((await ServedWorkers.Undisturbed.Value).Steps.First(report => report.Step == mirrored.Step).StateHash, ServedWorkers.Sum([own.Hash, mirrored.Hash]));

        await _workers.LoadAsync(2, 1, 2, a, c);
        await ServedWorkers.StartAsync(2, mirrored.Step, 2, [a, c], mirror: true, new StateTransfer
        {
            FirstLayer = mirrored.FirstLayer,
            LastLayer = mirrored.LastLayer,
            FromRank = 0,
            ToRank = 1,
            Holding = StateHolding.Mirror,
        });
        await _workers.RunAsync(2, (int)mirrored.Step + 1, 5, 2, a, c);
    }

    /// <summary>The survivor of two stages goes on alone: half of the state is its own, the other half is the lost one's mirror.</summary>
    [Fact]
    public async Task Start_OnFewerStages_PutsOwnAndMirroredLayersTogether()
    {
        var (a, b) = await PairAsync(1, 2, mirror: true);
        await _workers.RunAsync(1, 1, 3, 2, a, b);
        await _workers.LoseAsync(a);
        var joined = Assert.Single(await ServedWorkers.JoinAsync(2, b));
        var from = joined.States.Last(state => state.Holding == StateHolding.Mirror).Step;
        await _workers.LoadAsync(2, 1, 1, b);
        await ServedWorkers.StartAsync(2, from, 1, [b], mirror: true);
        await _workers.RunAsync(2, (int)from + 1, 5, 1, b);
    }

    /// <summary>A replica joins, and one of two leaves after it has handed its state over.</summary>
    [Fact]
    public async Task Start_WithAGiverBehindTheLayout_IsFedByIt()
    {
        var (a, b) = await PairAsync(1, 2, mirror: false);
        await _workers.RunAsync(1, 1, 2, 2, a, b);
        var c = await _workers.AddAsync("c");
        var joined = await ServedWorkers.JoinAsync(2, a, b, c);
        await _workers.LoadAsync(2, 1, 2, a, c);
        var given = joined[1].States[^1];
        await ServedWorkers.StartAsync(2, 2, 2, [a, c, b], mirror: false, new StateTransfer { FirstLayer = given.FirstLayer, LastLayer = given.LastLayer, FromRank = 2, ToRank = 1, Holding = StateHolding.Own });
        await b.WaitsForAsync("has no place in it");
        await _workers.RunAsync(2, 3, 5, 2, a, c);
        Assert.DoesNotContain(b.Heard, message => message.GenerationReady?.Scope.Generation == 2);
    }

    /// <summary>Nobody may act before everybody has a state: what a member held before a generation is its own until it has acted there.</summary>
    [Fact]
    public async Task Join_AfterAGenerationThatNeverActed_BringsWhatWasHeldBeforeIt()
    {
        static List<HeldState> OwnOf(GenerationJoined answer) => [.. answer.States.Where(state => state.Holding == StateHolding.Own)];
        var (a, b) = await PairAsync(1, 2, mirror: true);
        await _workers.RunAsync(1, 1, 3, 2, a, b);
        var joined = await ServedWorkers.JoinAsync(2, a, b);
        var (given, before) = (OwnOf(joined[0])[^1], OwnOf(joined[1]));
        Assert.Equal([2UL, 3UL], before.Select(state => state.Step));
        await _workers.LoadAsync(2, 1, 1, b);
        await ServedWorkers.StartAsync(2, 3, 1, [b, a], mirror: true, new StateTransfer { FirstLayer = given.FirstLayer, LastLayer = given.LastLayer, FromRank = 1, ToRank = 0, Holding = StateHolding.Own });

        var held = OwnOf(Assert.Single(await ServedWorkers.JoinAsync(3, b)));
        Assert.Equal((3UL, given.FirstLayer, before[0].LastLayer), (held[0].Step, held[0].FirstLayer, held[0].LastLayer));
        Assert.Equal(before, held.Skip(1));

        await _workers.LoadAsync(3, 1, 1, b);
        await ServedWorkers.StartAsync(3, 3, 1, [b], mirror: true);
        await _workers.RunAsync(3, 4, 5, 1, b);
        Assert.Equal([4UL, 5UL], OwnOf(Assert.Single(await ServedWorkers.JoinAsync(4, b))).Select(state => state.Step));
    }

    /// <summary>A lone worker's next life finds the states of the last two steps in its cache, and what the earlier one reported.</summary>
    [Fact]
    public async Task Start_OfALoneWorkersNextLife_GoesOnFromItsFile()
    {
        var a = await _workers.AddAsync("a");
        await _workers.LoadAsync(1, 1, 1, a);
        await ServedWorkers.StartAsync(1, 0, 1, [a], mirror: true);
        await _workers.RunAsync(1, 1, 3, 1, a);
        await _workers.LoseAsync(a);

        var again = await _workers.AddAsync("a", incarnation: 2);
        var joined = Assert.Single(await ServedWorkers.JoinAsync(2, again));
        Assert.All(joined.States, state => Assert.Equal(StateHolding.File, state.Holding));
        Assert.Equal([2UL, 3UL], joined.States.Select(state => state.Step));
        Assert.Equal(a.Steps, joined.Reports.Steps);
        await _workers.LoadAsync(2, 1, 1, again);
        await ServedWorkers.StartAsync(2, 3, 1, [again], mirror: true);
        await _workers.RunAsync(2, 4, 5, 1, again);
        Assert.Null((await ServedWorkers.JoinAsync(3, again))[0].Reports);
        Assert.NotEmpty(Directory.EnumerateFiles(_workers.CacheOf("a"), "mirror-*"));
        await again.ReleaseAsync();
        Assert.Empty(Directory.EnumerateFiles(_workers.CacheOf("a"), "mirror-*"));
    }

    /// <summary>A newer generation is made meanwhile: it does not wait for a stage that it may not even need.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Join_WhileAStageLoads_IsAnsweredAtOnce(int nextStages)
    {
        var (a, b) = (await _workers.AddAsync("a"), await _workers.AddAsync("b"));
        using var gate = new ManualResetEventSlim();
        var busy = a.Runtime.Compute.Run(() => gate.Wait(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Task first, second;
        try
        {
            first = _workers.LoadAsync(1, 1, 1, a);
            await ServedWorkers.JoinAsync(2, a, b);
            second = _workers.LoadAsync(2, 1, nextStages, a, b);
        }
        finally
        {
            gate.Set();
        }

        await busy;
        await second;
        // The first load came to its end where the same stage was wanted again.
        Assert.Equal(nextStages == 1, a.Heard.Any(message => message.StageLoad is { Done: true, Scope.Generation: 1 }));
        if (nextStages == 1)
            await first;
        ServedWorker[] places = [.. new[] { a, b }.Take(nextStages)];
        await ServedWorkers.StartAsync(2, 0, nextStages, places);
        await _workers.RunAsync(2, 1, 2, nextStages, places);
    }

    /// <summary>The state is nowhere: one sentence says so.</summary>
    [Fact]
    public async Task Start_FromAStepThatNobodyHolds_IsAFailure()
    {
        var a = await _workers.AddAsync("a");
        await _workers.LoadAsync(1, 1, 1, a);
        ServedWorkers.Begin(1, 7, [a], mirror: false, []);
        var failure = (await a.HearAsync(message => message.Failure is not null)).Failure.Failure;
        Assert.Equal("The generation begins after step 7, but rank 0 holds no state of layer 0 after it, nobody gives it one, and what it loaded is that after step 0.", failure.Message);
    }

    /// <summary>A worker whose job failed joins nothing: its failure is the answer, whenever it is asked.</summary>
    [Fact]
    public async Task Join_OfAFailedJob_IsAnsweredByTheFailure()
    {
        var a = await _workers.AddAsync("a");
        await _workers.LoadAsync(1, 1, 1, a);
        ServedWorkers.Begin(1, 7, [a], mirror: false, []);
        var failure = (await a.HearAsync(message => message.Failure is not null)).Failure.Failure;
        foreach (var generation in (ulong[])[2, 3])
        {
            a.Tell(new CoordinatorMessage { Join = new JoinGeneration { Scope = ServedWorkers.Scope(generation) } });
            Assert.True(SpinWait.SpinUntil(() => a.Heard.Any(message => message.Failure?.Scope.Generation == generation), TimeSpan.FromSeconds(20)));
        }

        Assert.All(a.Heard.Where(message => message.Failure is not null), message => Assert.Equal(failure, message.Failure.Failure));
        Assert.DoesNotContain(a.Heard, message => message.Joined is not null);
    }

    /// <summary>A question that came twice does not take back what was said of the generation that it is about.</summary>
    [Fact]
    public async Task Join_RepeatedAfterAPeersLoss_LeavesItTold()
    {
        var (a, b) = (await _workers.AddAsync("a"), await _workers.AddAsync("b"));
        await ServedWorkers.JoinAsync(1, a, b);
        await _workers.LoadAsync(1, 1, 2, a, b);
        ServedWorkers.Begin(1, 0, [a, b], mirror: false, [], secret: 1, to: a);
        ServedWorkers.Begin(1, 0, [a, b], mirror: false, [], secret: 2, to: b);
        _workers.Open(1, 1, 4, a, b);
        var told = await a.HearAsync(message => message.Failure is not null);
        a.Tell(new CoordinatorMessage { Join = new JoinGeneration { Scope = ServedWorkers.Scope(1) } });
        await a.HearAsync(_ => a.Heard.Count(message => message.Joined is not null) == 2);
        long position = 0;
        WorkerMessage message;
        do
            (position, message) = await a.Outbox.NextAsync(position, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        while (!message.Equals(told));
    }

    /// <summary>Asked again, with a newer generation than it is in, or the same.</summary>
    [Fact]
    public async Task Join_Repeated_IsAnsweredEqually()
    {
        var a = await _workers.AddAsync("a");
        await _workers.LoadAsync(1, 1, 1, a);
        await ServedWorkers.StartAsync(1, 0, 1, [a]);
        await _workers.RunAsync(1, 1, 2, 1, a);
        var joined = Assert.Single(await ServedWorkers.JoinAsync(2, a));
        a.Tell(new CoordinatorMessage { Join = new JoinGeneration { Scope = ServedWorkers.Scope(2) } });
        await a.HearAsync(_ => a.Heard.Count(message => message.Joined is not null) == 2);
        Assert.All(a.Heard.Where(message => message.Joined is not null), message => Assert.Equal(joined, message.Joined));
        // What older generations had to say came before, and is kept.
        Assert.Equal([1UL, 2UL], a.Heard.TakeWhile(message => message.Joined is null).Where(message => message.Step is not null).Select(message => message.Step.Step));
    }

    /// <summary>A peer that is gone: the worker says so once, waits, and goes on with another one.</summary>
    [Fact]
    public async Task Run_WithAPeerThatRefuses_TellsItAndWaitsForTheNextGeneration()
    {
        var (a, b) = (await _workers.AddAsync("a"), await _workers.AddAsync("b"));
        await _workers.LoadAsync(1, 1, 2, a, b);
        ServedWorkers.Begin(1, 0, [a, b], mirror: false, [], secret: 1, to: a);
        ServedWorkers.Begin(1, 0, [a, b], mirror: false, [], secret: 2, to: b);
        _workers.Open(1, 1, 4, a, b);
        var told = await Task.WhenAny(a.HearAsync(message => message.Failure is not null), b.HearAsync(message => message.Failure is not null)).Unwrap();
        Assert.Equal((ErrorCode.PeerUnreachable, 1UL), (told.Failure.Failure.Code, told.Failure.Scope.Generation));
        Assert.Contains(told.Failure.Peer.WorkerId, (string[])["a", "b"]);

        Assert.All(await ServedWorkers.JoinAsync(2, a, b), joined => Assert.Equal(0UL, joined.ActedStep));
        await _workers.LoadAsync(2, 1, 2, a, b);
        await ServedWorkers.StartAsync(2, 0, 2, [a, b]);
        await _workers.RunAsync(2, 1, 2, 2, a, b);
        Assert.Single(a.Heard.Concat(b.Heard), message => message.Failure is not null && message.Failure.Scope.Generation == 1 && message.Equals(told));
    }

    private async Task<(ServedWorker A, ServedWorker B)> PairAsync(int replicas, int stages, bool mirror)
    {
        var (a, b) = (await _workers.AddAsync("a"), await _workers.AddAsync("b"));
        await _workers.LoadAsync(1, replicas, stages, a, b);
        await ServedWorkers.StartAsync(1, 0, 2, [a, b], mirror);
        return (a, b);
    }
}
