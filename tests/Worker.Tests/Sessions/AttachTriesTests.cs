using Microsoft.Extensions.Time.Testing;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker.Tests.Sessions;

public sealed class AttachTriesTests
{
    private static readonly Uri Address = new("http://127.0.0.1:8081");
    private readonly LoggedLines _log = new();
    private readonly FakeTimeProvider _time = new();
    private readonly AttachTries _tries;

    public AttachTriesTests() => _tries = new AttachTries(_log, _time);

    [Fact]
    public void Failed_ManyTimes_IsSaidAtOnceAndThenOnceAMinute()
    {
        for (var second = 0; second < 150; second++)
        {
            _tries.Failed(Address, "nobody is there.");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, _log.Lines.Count);
        Assert.All(_log.Lines, line => Assert.Equal("Warning: Cannot attach to http://127.0.0.1:8081/ and goes on trying: nobody is there.", line));
    }

    [Fact]
    public void Failed_AfterASuccess_IsSaidAtOnce()
    {
        _tries.Failed(Address, "nobody is there.");
        _tries.Succeeded();
        _tries.Failed(Address, "it is gone.");
        Assert.Equal(2, _log.Lines.Count);
    }
}
