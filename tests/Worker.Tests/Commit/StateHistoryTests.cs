using Orchestrator.Worker.Commit;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class StateHistoryTests
{
    private readonly StateHistory _history = new();

    [Fact]
    public void Keep_AThirdState_GivesUpTheOldest()
    {
        Assert.Null(_history.Keep(7));
        Assert.Null(_history.Keep(8));
        Assert.Equal(7UL, _history.Keep(9));
        Assert.Equal([8UL, 9UL], _history.Steps);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(9)]
    public void Keep_AnotherThanTheNextStep_IsRefused(ulong step)
    {
        _history.Keep(7);
        Assert.Throws<InvalidOperationException>(() => _history.Keep(step));
    }

    [Fact]
    public void BackTo_AHeldStep_GivesUpTheLaterOnesAndGoesOnFromThere()
    {
        _history.Keep(7);
        _history.Keep(8);
        Assert.Null(_history.BackTo(6));
        Assert.Equal([7UL, 8UL], _history.Steps);
        Assert.Equal([8UL], _history.BackTo(7));
        Assert.Null(_history.Keep(8));
        Assert.Equal([7UL, 8UL], _history.Steps);
        Assert.Empty(_history.BackTo(8)!);
    }
}
