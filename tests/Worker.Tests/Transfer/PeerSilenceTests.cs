using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class PeerSilenceTests
{
    private readonly PeerSilence _silence = new(TimeSpan.FromSeconds(30));

    [Fact]
    public void IsDue_WithNothingWaiting_IsNever()
    {
        Assert.False(_silence.IsDue(At(1000)));
        _silence.Queued(At(1000));
        Assert.False(_silence.IsDue(At(1029)));
        _silence.Receipted(At(1029));
        Assert.False(_silence.IsDue(At(2000)));
    }

    [Fact]
    public void IsDue_AfterThePatience_IsOnce()
    {
        _silence.Queued(At(10));
        _silence.Queued(At(30));
        Assert.False(_silence.IsDue(At(39)));
        Assert.True(_silence.IsDue(At(40)));
        Assert.False(_silence.IsDue(At(80)));
    }

    [Fact]
    public void IsDue_AfterAnySign_BeginsToCountAgain()
    {
        _silence.Queued(At(0));
        _silence.Queued(At(0));
        _silence.Heard(At(20));
        Assert.False(_silence.IsDue(At(49)));
        _silence.Receipted(At(49));
        Assert.False(_silence.IsDue(At(78)));
        Assert.True(_silence.IsDue(At(79)));
    }

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);
}
