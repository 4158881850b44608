using Microsoft.Extensions.Time.Testing;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class PreparationProgressTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _told = [];

    [Fact]
    public void Report_AfterAWhile_TellsShareAndTimeLeft()
    {
        var progress = new PreparationProgress(new Told(_told), _clock);
        progress.Report(new DatasetProgress("/data/a.jsonl", 10, 0, 1000));
        _clock.Advance(TimeSpan.FromSeconds(4));
        progress.Report(new DatasetProgress("/data/a.jsonl", 20, 250, 1000));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        progress.Report(new DatasetProgress("/data/a.jsonl", 21, 260, 1000));
        _clock.Advance(TimeSpan.FromSeconds(4));
        progress.Report(new DatasetProgress("/data/b.jsonl", 30, 500, 1000));
        Assert.Equal(
            [
                "The data is being read: a.jsonl, 10 rows, 0%.",
                "The data is being read: a.jsonl, 20 rows, 25%, 12 s left.",
                "The data is being read: b.jsonl, 30 rows, 50%, 8 s left.",
            ],
            _told);
    }

    [Fact]
    public void Report_OfAnotherSplit_StartsItsOwnEstimate()
    {
        var progress = new PreparationProgress(new Told(_told), _clock);
        progress.Report(new DatasetProgress("/data/a.jsonl", 10, 1000, 1000));
        _clock.Advance(TimeSpan.FromMinutes(5));
        progress.Report(new DatasetProgress("/data/eval.jsonl", 1, 500, 1000));
        Assert.Equal("The data is being read: eval.jsonl, 1 row, 50%.", _told[^1]);
    }

    private sealed class Told(List<string> told) : IProgress<string>
    {
        public void Report(string value) => told.Add(value);
    }
}
