using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class StepGateTests : IDisposable
{
    private readonly StepGate _gate = new(4, TestContext.Current.CancellationToken);

    public void Dispose() => _gate.Dispose();

    [Fact]
    public void Hold_InAStep_LetsItEndAndNoOtherBegin()
    {
        Assert.True(_gate.Begin(5));
        _gate.Hold();
        Assert.False(_gate.Token.IsCancellationRequested);
        Assert.False(_gate.BeginEvaluation(5));
        Assert.False(_gate.Begin(6));
        Assert.True(_gate.IsClosed);
    }

    [Fact]
    public void Hold_InAnEvaluation_BreaksItOff()
    {
        Assert.True(_gate.Begin(5));
        Assert.True(_gate.BeginEvaluation(5));
        _gate.Hold();
        Assert.True(_gate.Token.IsCancellationRequested);
        Assert.False(_gate.Begin(6));
    }

    /// <summary>Before the first window of a run that went on after step 4.</summary>
    [Fact]
    public void Hold_BeforeAnyStep_HoldsWhereTheRunWentOn()
    {
        _gate.Hold();
        Assert.False(_gate.BeginEvaluation(4));
        Assert.False(_gate.Begin(5));
    }

    /// <summary>A worker that waits in step 6 for a verdict that never comes, one that is still in step 5, and one that evaluates after it.</summary>
    [Theory]
    [InlineData(6, false, true)]
    [InlineData(5, false, false)]
    [InlineData(5, true, true)]
    [InlineData(4, true, false)]
    public void HoldAfter_AStep_BreaksOffOnlyWhatLiesBehindIt(ulong step, bool evaluates, bool brokenOff)
    {
        Assert.True(evaluates ? _gate.BeginEvaluation(step) : _gate.Begin(step));
        _gate.HoldAfter(5);
        Assert.Equal(brokenOff, _gate.Token.IsCancellationRequested);
        Assert.False(_gate.Begin(6));
    }

    [Fact]
    public void Hold_ToldAgain_ChangesNothing()
    {
        _gate.Begin(5);
        _gate.Hold();
        _gate.HoldAfter(5);
        _gate.HoldAfter(9);
        Assert.False(_gate.Begin(6));
    }

    [Fact]
    public void Token_WhenTheJobEnds_IsCancelled()
    {
        using var ended = new CancellationTokenSource();
        using var gate = new StepGate(0, ended.Token);
        ended.Cancel();
        Assert.True(gate.Token.IsCancellationRequested);
        Assert.False(gate.IsClosed);
    }
}
