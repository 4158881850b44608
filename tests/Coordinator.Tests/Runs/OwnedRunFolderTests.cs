using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tests.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class OwnedRunFolderTests : IDisposable
{
    private const string Start = """{"event":"start","job":"job-0"}""";
    private const string Step1 = """{"step":1,"loss":2}""";
    private const string Step2 = """{"step":2,"loss":1}""";
    private const string Step3 = """{"step":3,"loss":1}""";
    private const string Evaluation0 = """{"step":0,"eval_loss":5,"eval_label_tokens":3}""";
    private const string Evaluation2 = """{"step":2,"eval_loss":4,"eval_label_tokens":3}""";

    private readonly RunOwners _owners = new();

    private TemporaryFolder Folder => _owners.Folder;

    public void Dispose() => _owners.Dispose();

    [Fact]
    public void Check_ToResumeWhereNoRunIs_PassesWhateverOtherFilesLieThere()
    {
        foreach (var name in new[] { "job.yaml", "plan.json", "metrics.jsonl", "notes.txt" })
        {
            File.WriteAllText(Folder.At(name), "mine");
        }

        Directory.CreateDirectory(Folder.At("adapter"));
        File.WriteAllText(Folder.At("adapter", "adapter_model.safetensors"), "mine");

        RunFolder.Check(Folder.Path, resume: true, overwrite: false);
        _owners.Create("name: a\n", ["e1"]).AppendMetrics(["m1"]);

        Assert.Equal("name: a\n", File.ReadAllText(Folder.At("job.yaml")));
        Assert.Equal("m1\n", File.ReadAllText(Folder.At("metrics.jsonl")));
        Assert.All(new[] { "job.yaml", "plan.json", "metrics.jsonl" }, name => Assert.Equal("mine", File.ReadAllText(Folder.At($"{name}.before-1"))));
        Assert.Equal("mine", File.ReadAllText(Folder.At("notes.txt")));
        Assert.Equal("mine", File.ReadAllText(Folder.At("adapter", "adapter_model.safetensors")));
    }

    [Fact]
    public void Create_OverAnOlderRun_DeletesTheRunsFilesAndNothingElse()
    {
        _owners.Create("name: a\n", [Start]).AppendMetrics(["old"]);
        Directory.CreateDirectory(Folder.At("adapter"));
        File.WriteAllText(Folder.At("adapter", "adapter_config.json"), "old");
        File.WriteAllText(Folder.At("adapter", "notes.txt"), "mine");
        Directory.CreateDirectory(Folder.At("adapter", "additional_chat_templates"));
        File.WriteAllText(Folder.At("adapter", "additional_chat_templates", "tool_use.jinja"), "old");
        File.WriteAllText(Folder.At("notes.txt"), "mine");

        RunFolder.Check(Folder.Path, resume: false, overwrite: true);
        _owners.Create("name: b\n", ["new"]);

        Assert.Equal(
            ["adapter/notes.txt", "events.jsonl", "job.yaml", "notes.txt"],
            Directory.EnumerateFiles(Folder.Path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Folder.Path, file)).Order(StringComparer.Ordinal));
        Assert.False(Directory.Exists(Folder.At("adapter", "additional_chat_templates")));
        Assert.Equal("new\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal("name: b\n", File.ReadAllText(Folder.At("job.yaml")));
    }

    [Fact]
    public void Continue_AfterAKill_CutsTheBrokenLineAndAddsTheMissingOnes()
    {
        _owners.Create("name: a\n", ["e1"]).AppendMetrics(["m1"]);
        File.AppendAllText(Folder.At("metrics.jsonl"), "m");

        _owners.Continue(["e1", "e2"], ["m1", "m2", "m3"]);

        Assert.Equal("e1\ne2\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal("m1\nm2\nm3\n", File.ReadAllText(Folder.At("metrics.jsonl")));
    }

    /// <summary>The evaluation after the checkpoint's own step is made again, unless it was made before the checkpoint.</summary>
    [Theory]
    [InlineData(2, 0, 3)]
    [InlineData(2, 2, 4)]
    [InlineData(1, 0, 2)]
    [InlineData(3, 2, 5)]
    [InlineData(0, 0, 0)]
    public void Resume_FromACheckpoint_CutsTheLinesThatAreMadeAgain(ulong step, ulong lastEvaluation, int kept)
    {
        string[] lines = [Evaluation0, Step1, Step2, Evaluation2, Step3];
        _owners.Create("name: a\n", ["e1"]).AppendMetrics(lines);
        File.AppendAllText(Folder.At("metrics.jsonl"), """{"step":4,"lo""");
        File.AppendAllText(Folder.At("events.jsonl"), "half");
        var resume = new ResumePoint { Checkpoint = step == 0 ? null : new CheckpointManifest { Step = step, LastEvaluation = new EvaluationPoint { Step = lastEvaluation } } };

        if (step > 0)
            Manifests.Write(RunFolder.CheckpointsOf(Folder.Path), step);

        var folder = _owners.Resume("name: b\n", resume, ["e2"]);
        Assert.Equal(lines.Take(kept), File.ReadAllLines(Folder.At("metrics.jsonl")));
        folder.AppendMetrics(["next"]);

        Assert.Equal([.. lines.Take(kept), "next"], File.ReadAllLines(Folder.At("metrics.jsonl")));
        Assert.Equal("e1\ne2\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal("name: b\n", File.ReadAllText(Folder.At("job.yaml")));
    }

    [Fact]
    public void Resume_FromACheckpoint_DeletesWhatLiesBehindIt()
    {
        var store = new CheckpointStore(Folder.At("checkpoints"));
        _owners.Create("name: a\n", [Start]);
        foreach (var step in new ulong[] { 2, 4 })
        {
            Manifests.Write(store, step);
        }

        Manifests.WriteBlob(store.Of(6), 0, 6);

        _owners.Resume("name: a\n", new ResumePoint { Checkpoint = Manifests.Of(2), Damaged = { "step-4" } }, []);

        Assert.Equal([2UL], store.Steps());
        _owners.Create("name: a\n", ["e1"]).Release();
        Assert.False(Directory.Exists(store.Folder));
    }

    /// <summary>The coordinator of a run that had gone on is killed in its turn: the lines of the first journal stay.</summary>
    [Theory]
    [InlineData("e1\n", "")]
    [InlineData("e1\ne2\n", "m")]
    [InlineData("e1\ne2\ne3\n", Step3 + "\n")]
    [InlineData("e1\ne2\ne2\ne3\n", "")]
    // The process that was to cut what lay behind the checkpoint had ended before.
    [InlineData("e1\ne2\ne3\n", Step3 + "\nm4\nx5\nx6\n")]
    public void Continue_OfARunThatHadGoneOn_CompletesTheLinesBehindTheEarlierOnes(string events, string metrics)
    {
        _owners.Create("name: a\n", []);
        File.WriteAllText(Folder.At("events.jsonl"), events);
        File.WriteAllText(Folder.At("metrics.jsonl"), $"{Step1}\n{Step2}\n{metrics}");

        _owners.Continue(["e2", "e3"], [Step3, "m4"], new ResumePoint { Checkpoint = new CheckpointManifest { Step = 2 } });

        Assert.Equal("e1\ne2\ne3\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal($"{Step1}\n{Step2}\n{Step3}\nm4\n", File.ReadAllText(Folder.At("metrics.jsonl")));
    }

    [Fact]
    public void Create_WhereNothingCanBeWritten_NamesTheFolder()
    {
        File.WriteAllText(Folder.At("file"), "");

        var failure = Assert.Throws<IOException>(() => OwnedRunFolder.Create(Folder.At("file", "out"), new OwnerTitle("job-1", 1), "name: a\n", ["e"], _owners.Told.Add));

        Assert.Contains(Folder.At("file", "out"), failure.Message, StringComparison.Ordinal);
    }

    /// <summary>What somebody else left in the adapter's place, or in the adapter, is nobody's to delete; an older adapter of a run is.</summary>
    [Theory]
    [InlineData("lineage.json", "")]
    [InlineData("notes.txt", "adapter.before-1")]
    [InlineData("adapter_config.json", "adapter.before-1")]
    public void WriteAdapter_OverAnotherFolder_PutsAsideWhatNoRunHasWritten(string name, string aside)
    {
        Directory.CreateDirectory(Folder.At("adapter"));
        File.WriteAllText(Folder.At("adapter", name), "old");

        _owners.Create("name: a\n", ["e1"]).WriteAdapter(adapter => File.WriteAllText(Path.Combine(adapter, "new"), ""));

        Assert.Equal(["new"], Directory.EnumerateFileSystemEntries(Folder.At("adapter")).Select(Path.GetFileName));
        Assert.Equal(aside, string.Concat(Directory.EnumerateDirectories(Folder.Path, "adapter.before*").Select(Path.GetFileName)));
        Assert.Equal(aside.Length == 0 ? [] : [$"{Folder.At("adapter")}, which no run has written, is {aside} now."], _owners.Told);
        Assert.True(aside.Length == 0 || File.ReadAllText(Folder.At(aside, name)) == "old");
    }

    /// <summary>Where somebody has moved the adapter it is his; the link is the run's.</summary>
    [Fact]
    public void Create_OverARunWhoseAdapterIsALink_LeavesWhatItLeadsTo()
    {
        _owners.Create("name: a\n", [Start]);
        Directory.CreateDirectory(Folder.At("best"));
        File.WriteAllText(Folder.At("best", "adapter_config.json"), "mine");
        Directory.CreateSymbolicLink(Folder.At("adapter"), Folder.At("best"));

        _owners.Create("name: b\n", ["e2"]);

        Assert.Equal("mine", File.ReadAllText(Folder.At("best", "adapter_config.json")));
        Assert.False(Path.Exists(Folder.At("adapter")));
    }
}
