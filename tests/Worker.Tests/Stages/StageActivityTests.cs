using Microsoft.Extensions.Time.Testing;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class StageActivityTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly StageActivity _activity;

    public StageActivityTests() => _activity = new StageActivity(_time);

    [Fact]
    public void Read_AfterWorkAndWaits_SaysWhichItIsAndCountsTheWork()
    {
        Assert.Equal(("idle", 0UL, true), Now());
        _activity.Does("loads layer 1");
        _activity.Does("loads layer 2");
        Assert.Equal(("loads layer 2", 2UL, false), Now());
        _activity.WaitsFor("waits");
        Assert.Equal(("waits", 2UL, true), Now());
    }

    /// <summary>20 s at least, else ten times the longest operation that has ended; waiting is none.</summary>
    [Fact]
    public void StuckAfter_IsTenTimesTheLongestOperation()
    {
        _time.Advance(TimeSpan.FromHours(1));
        _activity.Does("forward");
        Assert.Equal(TimeSpan.FromSeconds(20), _activity.Read().StuckAfter);
        _time.Advance(TimeSpan.FromSeconds(1));
        _activity.Does("backward");
        Assert.Equal(TimeSpan.FromSeconds(20), _activity.Read().StuckAfter);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(20), _activity.Read().StuckAfter);
        _activity.WaitsFor("verdict");
        Assert.Equal(TimeSpan.FromSeconds(50), _activity.Read().StuckAfter);
        _time.Advance(TimeSpan.FromMinutes(5));
        _activity.Does("forward");
        _time.Advance(TimeSpan.FromSeconds(3));
        _activity.Does("backward");
        Assert.Equal(TimeSpan.FromSeconds(50), _activity.Read().StuckAfter);
    }

    private (string Text, ulong Progress, bool Waits) Now()
    {
        var reading = _activity.Read();
        return (reading.Text, reading.Progress, reading.Waits);
    }
}
