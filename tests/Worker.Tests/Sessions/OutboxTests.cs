using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class OutboxTests
{
    private readonly Outbox _outbox = new();

    [Fact]
    public async Task Next_OverANewStream_RepeatsEverythingInOrder()
    {
        WorkerMessage[] posted = [Ready("a"), Step("a", 1), Evaluation("a", 1), Step("b", 1), Step("a", 2), Failure("b")];
        Array.ForEach(posted, _outbox.Post);
        Assert.Equal(posted, await ReadAsync(posted.Length));
        Assert.Equal(posted, await ReadAsync(posted.Length));
    }

    [Fact]
    public async Task Next_NothingThere_WaitsForThePost()
    {
        var next = _outbox.NextAsync(0, TestContext.Current.CancellationToken);
        Assert.False(next.IsCompleted);
        _outbox.Post(Step("a", 1));
        Assert.Equal(Step("a", 1), (await next.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public async Task Committed_EarlierStepsOfTheJob_AreDroppedAndNoOthers()
    {
        Post(Ready("a"), Step("a", 1), Evaluation("a", 2), Step("a", 2), Step("b", 1), Step("a", 3), Evaluation("a", 3), Failure("a"));
        _outbox.Committed("a", 3);
        await HoldsAsync(Ready("a"), Step("b", 1), Step("a", 3), Evaluation("a", 3), Failure("a"));
    }

    [Fact]
    public async Task Post_SavedStates_KeepsEachUntilTheirWindowIsLongCommitted()
    {
        Post(Saved("a", 2), Saved("a", 4), Saved("b", 2), Held("a", 3), Held("a", 4));
        await HoldsAsync(Saved("a", 2), Saved("a", 4), Saved("b", 2), Held("a", 4));
        _outbox.Committed("a", 4);
        await HoldsAsync(Saved("a", 4), Saved("b", 2), Held("a", 4));
    }

    [Fact]
    public async Task Committed_WhileAStreamReads_GoesOnBehindItsPosition()
    {
        Post(Step("a", 1), Step("a", 2), Step("a", 3));
        var (position, _) = await _outbox.NextAsync(0, TestContext.Current.CancellationToken);
        _outbox.Committed("a", 3);
        Assert.Equal(Step("a", 3), (await _outbox.NextAsync(position, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void Reports_OfAJob_AreThoseThatMayBeAskedForInTheirOrder()
    {
        Post(Ready("a"), Step("a", 1), Evaluation("a", 1), Step("a", 2), Step("b", 1), Saved("a", 2), Evaluation("a", 2), Step("a", 3));
        _outbox.Committed("a", 2);
        Assert.Equal(
            new PendingReports { Steps = { Step("a", 2).Step, Step("a", 3).Step }, Evaluations = { Evaluation("a", 2).Evaluation } },
            _outbox.ReportsOf("a"));
    }

    /// <summary>A coordinator takes no message of any length.</summary>
    [Fact]
    public void Reports_OverTheirLimit_AreTheNewest()
    {
        Post(Step("a", 1), Evaluation("a", 1), Step("a", 2), Step("a", 3));
        Assert.Equal(
            new PendingReports { Steps = { Step("a", 2).Step, Step("a", 3).Step } },
            _outbox.ReportsOf("a", Step("a", 2).CalculateSize() + Step("a", 3).CalculateSize()));
    }

    [Fact]
    public async Task Forget_AReleasedJob_LeavesItsFailureAndOtherJobs()
    {
        Post(Ready("a"), Step("a", 1), Failure("a"), Step("b", 1));
        _outbox.Forget("a");
        await HoldsAsync(Failure("a"), Step("b", 1));
    }

    [Fact]
    public async Task Post_NewerLoadReport_TakesTheOldersPlaceAtTheEnd()
    {
        Post(Load("a", 1), Load("b", 1), Step("a", 1), Load("a", 2));
        await HoldsAsync(Load("b", 1), Step("a", 1), Load("a", 2));
    }

    [Fact]
    public async Task Post_ManyScores_KeepsEachUntilItsRequestIsAnswered()
    {
        WorkerMessage[] posted = [.. Enumerable.Range(0, 200).Select(part => Score("a", request: 3, (uint)part))];
        Array.ForEach(posted, _outbox.Post);
        Assert.Equal(posted, await ReadAsync(posted.Length));
        Post(Score("a", 4, 0), Score("b", 3, 0));
        _outbox.Answered("a", 4);
        await HoldsAsync(Score("a", 4, 0), Score("b", 3, 0));
    }

    [Fact]
    public void Post_MoreScoresThanMayWait_FailsUntilSomeAreAnswered()
    {
        var outbox = new Outbox(mostScoreBytes: 2_000);
        outbox.Post(Score("a", 1, 0));
        var full = Assert.Throws<WorkerFaultException>(() =>
        {
            for (uint part = 1; part < 1_000; part++)
                outbox.Post(Score("a", 2, part));
        });
        Assert.Equal(ErrorCode.ResourceExhausted, full.Code);
        outbox.Fence("a", 9);
        outbox.Answered("a", 3);
        for (uint part = 0; part < 4; part++)
            outbox.Post(Score("a", 3, part));
    }

    [Fact]
    public async Task Fence_ThatIsHigher_IsCarriedByWhatWaitsAndByWhatComes()
    {
        var shared = Scope("a");
        Post(Step("b", 1), new WorkerMessage { Step = new StepReport { Scope = shared, Step = 1 } });
        Assert.Equal([1UL, 1UL], (await ReadAsync(2)).Select(message => message.Step.Scope.Fence));
        _outbox.Fence("a", 5);
        Post(Ready("a"));
        _outbox.Fence("a", 4);
        var read = await ReadAsync(3);
        Assert.Equal([("b", 1UL), ("a", 5UL), ("a", 5UL)], read.Select(message => message.JobScope!).Select(scope => (scope.Job, scope.Fence)));
        Assert.Equal(1UL, shared.Fence);
    }

    [Fact]
    public async Task Fence_RaisedWhileAStreamReads_SendsWhatItMayHaveRefusedAgain()
    {
        Post(Step("a", 1), Step("a", 2));
        var (first, _) = await _outbox.NextAsync(0, TestContext.Current.CancellationToken);
        var (position, _) = await _outbox.NextAsync(first, TestContext.Current.CancellationToken);
        _outbox.Fence("a", 2);
        (position, var again) = await _outbox.NextAsync(position, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal((1UL, 2UL), (again.Step.Step, again.Step.Scope.Fence));
        (_, again) = await _outbox.NextAsync(position, TestContext.Current.CancellationToken);
        Assert.Equal((2UL, 2UL), (again.Step.Step, again.Step.Scope.Fence));
    }

    [Fact]
    public async Task Post_AnswersOfMuchLaterRequests_TakeTheOldOnesPlace()
    {
        Post(Answers("a", 1, 2), Answers("b", 1), Answers("a", 2, 3), Answers("a", 65), Answers("a", 66));
        await HoldsAsync(Answers("b", 1), Answers("a", 2, 3), Answers("a", 65), Answers("a", 66));
        Post(Answers("a", 67));
        await HoldsAsync(Answers("b", 1), Answers("a", 65), Answers("a", 66), Step("end", 1), Answers("a", 67));
    }

    /// <summary>What an older generation reported comes before what the worker brings into the new one, and stays until a window of that is opened.</summary>
    [Fact]
    public async Task EndOlder_OfAGeneration_DropsWhatOlderOnesReported()
    {
        Post(Step("a", 1), Step("a", 2), Joined("a", 2), Step("b", 1));
        _outbox.Committed("a", 1);
        await HoldsAsync(Step("a", 1), Step("a", 2), Joined("a", 2), Step("b", 1));
        _outbox.EndOlder("a", 2);
        await HoldsAsync(Joined("a", 2), Step("b", 1), Step("end", 1));
    }

    [Fact]
    public async Task Post_OfANewerJoin_TakesTheOldersPlaceAtTheEnd()
    {
        Post(Joined("a", 2), Joined("b", 2), Step("a", 1), Joined("a", 3), Drain("1"), Drain("2"));
        await HoldsAsync(Joined("b", 2), Step("a", 1), Joined("a", 3), Drain("2"));
    }

    [Fact]
    public async Task PeersAreBack_AfterAJoin_ForgetsThatOneCouldNotBeReached()
    {
        var unreachable = Failure("a");
        unreachable.Failure.Failure.Code = ErrorCode.PeerUnreachable;
        Post(unreachable, Failure("b"));
        _outbox.PeersAreBack("a", 1);
        await HoldsAsync(unreachable, Failure("b"));
        _outbox.PeersAreBack("a", 2);
        _outbox.PeersAreBack("b", 2);
        await HoldsAsync(Failure("b"), Step("end", 1));
    }

    private void Post(params WorkerMessage[] messages) => Array.ForEach(messages, _outbox.Post);

    // Exactly these: a message posted now is the next one after them.
    private async Task HoldsAsync(params WorkerMessage[] messages)
    {
        var last = Step("end", 1);
        _outbox.Post(last);
        Assert.Equal([.. messages, last], await ReadAsync(messages.Length + 1));
    }

    private async Task<List<WorkerMessage>> ReadAsync(int count)
    {
        var read = new List<WorkerMessage>();
        long position = 0;
        while (read.Count < count)
        {
            (position, var message) = await _outbox.NextAsync(position, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            read.Add(message);
        }

        return read;
    }

    private static JobScope Scope(string job) => new() { Job = job, Generation = 1, Fence = 1 };

    private static WorkerMessage Ready(string job) => new() { GenerationReady = new GenerationReady { Scope = Scope(job) } };

    private static WorkerMessage Step(string job, ulong step) => new() { Step = new StepReport { Scope = Scope(job), Step = step } };

    private static WorkerMessage Evaluation(string job, ulong step) => new() { Evaluation = new EvaluationReport { Scope = Scope(job), Step = step } };

    private static WorkerMessage Score(string job, ulong request, uint part) => new()
    {
        Score = new ScoreResult { Scope = Scope(job), RequestId = request, Part = part, Samples = { new SampleScore { Sample = part, LossSum = 1, Logprobs = { new float[100] } } } },
    };

    private static WorkerMessage Load(string job, uint layers) => new() { StageLoad = new StageLoadReport { Scope = Scope(job), LayersLoaded = layers } };

    private static WorkerMessage Answers(string job, params ulong[] requests) =>
        new() { Generate = new GenerateResult { Scope = Scope(job), Parts = { requests.Select(request => new AnswerPart { RequestId = request }) } } };

    private static WorkerMessage Saved(string job, ulong step) => new() { StateSaved = new StateSaved { Scope = Scope(job), Step = step } };

    private static WorkerMessage Held(string job, ulong step) => new() { Held = new StepsHeld { Scope = Scope(job), Step = step } };

    private static WorkerMessage Joined(string job, ulong generation) =>
        new() { Joined = new GenerationJoined { Scope = new JobScope { Job = job, Generation = generation, Fence = 1 } } };

    private static WorkerMessage Drain(string reason) => new() { Drain = new WorkerDrain { Reason = reason } };

    private static WorkerMessage Failure(string job) => new() { Failure = new WorkerFailure { Scope = Scope(job), Failure = new Failure { Message = "It broke." } } };
}
