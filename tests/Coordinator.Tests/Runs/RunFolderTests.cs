using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Check_OnAFolderWithARun_RefusesUnlessToldWhatToDoWithIt()
    {
        OwnedRunFolder.Create(_folder.Path, new OwnerTitle("job-1", 1), "name: a\n", ["""{"event":"start","job":"job-0"}"""], _ => { }).Dispose();

        var refusal = Assert.Throws<InvalidInputException>(() => RunFolder.Check(_folder.Path, resume: false, overwrite: false));
        RunFolder.Check(_folder.Path, resume: true, overwrite: false);
        RunFolder.Check(_folder.Path, resume: false, overwrite: true);

        Assert.Contains("holds a run already; go on with it with --resume, delete that run with --overwrite", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Path, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Check_OnAFolderWithoutARun_Passes(bool resume)
    {
        File.WriteAllText(_folder.At("notes.txt"), "mine");

        RunFolder.Check(_folder.Path, resume, overwrite: false);
        RunFolder.Check(_folder.At("not-there"), resume, overwrite: false);
    }

    [Theory]
    [InlineData("job.yaml")]
    [InlineData("metrics.jsonl")]
    [InlineData("adapter")]
    [InlineData("checkpoints")]
    public void Check_OnAFileOfSomebodyElseUnderARunsName_Refuses(string name)
    {
        File.WriteAllText(_folder.At(name), "mine");

        Assert.Throws<InvalidInputException>(() => RunFolder.Check(_folder.Path, resume: false, overwrite: true));
    }

    /// <summary>A file of the name makes no run.</summary>
    [Fact]
    public void Check_OnSomebodyElsesEvents_Refuses()
    {
        File.WriteAllText(_folder.At("events.jsonl"), "{\"user\":\"event\"}\n");

        var refusal = Assert.Throws<InvalidInputException>(() => RunFolder.Check(_folder.Path, resume: false, overwrite: true));

        Assert.Contains("holds events.jsonl, which no run has written", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("[1]\n", false)]
    [InlineData("{\"event\":\"start\"}\n", false)]
    [InlineData("{\"event\":\"start\",\"job\":\"job-0\"", false)]
    [InlineData("{\"event\":\"start\",\"job\":\"job-0\"}\nhalf", true)]
    public void HoldsRun_ByTheFirstLineOfEvents_KnowsARun(string events, bool holds)
    {
        File.WriteAllText(_folder.At("events.jsonl"), events);

        Assert.Equal(holds, RunFolder.HoldsRun(_folder.Path));
        using var held = new FileStream(_folder.At("events.jsonl"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.True(RunFolder.HoldsRun(_folder.Path));
    }

    /// <summary>A process that ended right after it had taken an empty folder leaves nothing that a run could not start beside.</summary>
    [Fact]
    public void Check_OnWhatAnOwnerLeft_Passes()
    {
        Directory.CreateDirectory(_folder.At(".owner-job-1-1"));

        RunFolder.Check(_folder.Path, resume: false, overwrite: false);
    }
}
