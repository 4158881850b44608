using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, false, "holds a run already; delete that run with --overwrite")]
    [InlineData(true, false, "checkpoints, which are not built yet")]
    public void Check_OnAFolderWithARun_Refuses(bool resume, bool overwrite, string sentence)
    {
        RunFolder.Create(_folder.Path, "name: a\n", ["{}"]);

        var refusal = Assert.Throws<InvalidInputException>(() => RunFolder.Check(_folder.Path, resume, overwrite));

        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
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
    public void Check_OnAFileOfSomebodyElseUnderARunsName_Refuses(string name)
    {
        File.WriteAllText(_folder.At(name), "mine");

        Assert.Throws<InvalidInputException>(() => RunFolder.Check(_folder.Path, resume: false, overwrite: true));
    }

    [Fact]
    public void Check_ToResumeWhereNoRunIs_PassesWhateverOtherFilesLieThere()
    {
        foreach (var name in new[] { "job.yaml", "plan.json", "metrics.jsonl", "notes.txt" })
        {
            File.WriteAllText(_folder.At(name), "mine");
        }

        Directory.CreateDirectory(_folder.At("adapter"));
        File.WriteAllText(_folder.At("adapter", "adapter_model.safetensors"), "mine");

        RunFolder.Check(_folder.Path, resume: true, overwrite: false);
        RunFolder.Create(_folder.Path, "name: a\n", ["e1"]).AppendMetrics(["m1"]);

        Assert.Equal("name: a\n", File.ReadAllText(_folder.At("job.yaml")));
        Assert.Equal("m1\n", File.ReadAllText(_folder.At("metrics.jsonl")));
        Assert.Equal("mine", File.ReadAllText(_folder.At("notes.txt")));
        Assert.Equal("mine", File.ReadAllText(_folder.At("adapter", "adapter_model.safetensors")));
    }

    [Fact]
    public void Create_OverAnOlderRun_DeletesTheRunsFilesAndNothingElse()
    {
        RunFolder.Create(_folder.Path, "name: a\n", ["old"]).AppendMetrics(["old"]);
        Directory.CreateDirectory(_folder.At("adapter"));
        File.WriteAllText(_folder.At("adapter", "adapter_config.json"), "old");
        File.WriteAllText(_folder.At("adapter", "notes.txt"), "mine");
        Directory.CreateDirectory(_folder.At("adapter", "additional_chat_templates"));
        File.WriteAllText(_folder.At("adapter", "additional_chat_templates", "tool_use.jinja"), "old");
        File.WriteAllText(_folder.At("notes.txt"), "mine");

        RunFolder.Check(_folder.Path, resume: false, overwrite: true);
        RunFolder.Create(_folder.Path, "name: b\n", ["new"]);

        Assert.Equal(
            ["adapter/notes.txt", "events.jsonl", "job.yaml", "notes.txt"],
            Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(_folder.Path, file)).Order(StringComparer.Ordinal));
        Assert.False(Directory.Exists(_folder.At("adapter", "additional_chat_templates")));
        Assert.Equal("new\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("name: b\n", File.ReadAllText(_folder.At("job.yaml")));
    }

    [Fact]
    public void Continue_AfterAKill_CutsTheBrokenLineAndAddsTheMissingOnes()
    {
        RunFolder.Create(_folder.Path, "name: a\n", ["e1"]).AppendMetrics(["m1"]);
        File.AppendAllText(_folder.At("metrics.jsonl"), "m");

        RunFolder.Continue(_folder.Path, ["e1", "e2"], ["m1", "m2", "m3"]);

        Assert.Equal("e1\ne2\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("m1\nm2\nm3\n", File.ReadAllText(_folder.At("metrics.jsonl")));
    }

    [Fact]
    public void Create_WhereNothingCanBeWritten_NamesTheFolder()
    {
        File.WriteAllText(_folder.At("file"), "");

        var failure = Assert.Throws<IOException>(() => RunFolder.Create(_folder.At("file", "out"), "name: a\n", ["e"]));

        Assert.Contains(_folder.At("file", "out"), failure.Message, StringComparison.Ordinal);
    }
}
