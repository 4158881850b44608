using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tests.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class OwnedRunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<OwnedRunFolder> _owned = [];
    private readonly List<string> _told = [];

    public void Dispose()
    {
        _owned.ForEach(owned => owned.Dispose());
        _folder.Dispose();
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
        Create("name: a\n", ["e1"]).AppendMetrics(["m1"]);

        Assert.Equal("name: a\n", File.ReadAllText(_folder.At("job.yaml")));
        Assert.Equal("m1\n", File.ReadAllText(_folder.At("metrics.jsonl")));
        Assert.All(new[] { "job.yaml", "plan.json", "metrics.jsonl" }, name => Assert.Equal("mine", File.ReadAllText(_folder.At($"{name}.before-1"))));
        Assert.Equal("mine", File.ReadAllText(_folder.At("notes.txt")));
        Assert.Equal("mine", File.ReadAllText(_folder.At("adapter", "adapter_model.safetensors")));
    }

    [Fact]
    public void Create_OverAnOlderRun_DeletesTheRunsFilesAndNothingElse()
    {
        Create("name: a\n", [Start]).AppendMetrics(["old"]);
        Directory.CreateDirectory(_folder.At("adapter"));
        File.WriteAllText(_folder.At("adapter", "adapter_config.json"), "old");
        File.WriteAllText(_folder.At("adapter", "notes.txt"), "mine");
        Directory.CreateDirectory(_folder.At("adapter", "additional_chat_templates"));
        File.WriteAllText(_folder.At("adapter", "additional_chat_templates", "tool_use.jinja"), "old");
        File.WriteAllText(_folder.At("notes.txt"), "mine");

        RunFolder.Check(_folder.Path, resume: false, overwrite: true);
        Create("name: b\n", ["new"]);

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
        Create("name: a\n", ["e1"]).AppendMetrics(["m1"]);
        File.AppendAllText(_folder.At("metrics.jsonl"), "m");

        Continue(["e1", "e2"], ["m1", "m2", "m3"]);

        Assert.Equal("e1\ne2\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("m1\nm2\nm3\n", File.ReadAllText(_folder.At("metrics.jsonl")));
    }

    private const string Start = """{"event":"start","job":"job-0"}""";
    private const string Step1 = """{"step":1,"loss":2}""";
    private const string Step2 = """{"step":2,"loss":1}""";
    private const string Step3 = """{"step":3,"loss":1}""";
    private const string Evaluation0 = """{"step":0,"eval_loss":5,"eval_label_tokens":3}""";
    private const string Evaluation2 = """{"step":2,"eval_loss":4,"eval_label_tokens":3}""";

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
        Create("name: a\n", ["e1"]).AppendMetrics(lines);
        File.AppendAllText(_folder.At("metrics.jsonl"), """{"step":4,"lo""");
        File.AppendAllText(_folder.At("events.jsonl"), "half");
        var resume = new ResumePoint { Checkpoint = step == 0 ? null : new CheckpointManifest { Step = step, LastEvaluation = new EvaluationPoint { Step = lastEvaluation } } };

        if (step > 0)
            Manifests.Write(RunFolder.CheckpointsOf(_folder.Path), step);

        var folder = Resume("name: b\n", resume, ["e2"]);
        Assert.Equal(lines.Take(kept), File.ReadAllLines(_folder.At("metrics.jsonl")));
        folder.AppendMetrics(["next"]);

        Assert.Equal([.. lines.Take(kept), "next"], File.ReadAllLines(_folder.At("metrics.jsonl")));
        Assert.Equal("e1\ne2\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("name: b\n", File.ReadAllText(_folder.At("job.yaml")));
    }

    [Fact]
    public void Resume_FromACheckpoint_DeletesWhatLiesBehindIt()
    {
        var store = new CheckpointStore(_folder.At("checkpoints"));
        Create("name: a\n", [Start]);
        foreach (var step in new ulong[] { 2, 4 })
        {
            Manifests.Write(store, step);
        }

        Manifests.WriteBlob(store.Of(6), 0, 6);

        Resume("name: a\n", new ResumePoint { Checkpoint = Manifests.Of(2), Damaged = { "step-4" } }, []);

        Assert.Equal([2UL], store.Steps());
        Create("name: a\n", ["e1"]).Release();
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
        Create("name: a\n", []);
        File.WriteAllText(_folder.At("events.jsonl"), events);
        File.WriteAllText(_folder.At("metrics.jsonl"), $"{Step1}\n{Step2}\n{metrics}");

        Continue(["e2", "e3"], [Step3, "m4"], new ResumePoint { Checkpoint = new CheckpointManifest { Step = 2 } });

        Assert.Equal("e1\ne2\ne3\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal($"{Step1}\n{Step2}\n{Step3}\nm4\n", File.ReadAllText(_folder.At("metrics.jsonl")));
    }

    [Fact]
    public void Create_WhereNothingCanBeWritten_NamesTheFolder()
    {
        File.WriteAllText(_folder.At("file"), "");

        var failure = Assert.Throws<IOException>(() => OwnedRunFolder.Create(_folder.At("file", "out"), new OwnerTitle("job-1", 1), "name: a\n", ["e"], _told.Add));

        Assert.Contains(_folder.At("file", "out"), failure.Message, StringComparison.Ordinal);
    }

    /// <summary>What somebody else left in the adapter's place, or in the adapter, is nobody's to delete; an older adapter of a run is.</summary>
    [Theory]
    [InlineData("lineage.json", "")]
    [InlineData("notes.txt", "adapter.before-1")]
    [InlineData("adapter_config.json", "adapter.before-1")]
    public void WriteAdapter_OverAnotherFolder_PutsAsideWhatNoRunHasWritten(string name, string aside)
    {
        Directory.CreateDirectory(_folder.At("adapter"));
        File.WriteAllText(_folder.At("adapter", name), "old");

        Create("name: a\n", ["e1"]).WriteAdapter(adapter => File.WriteAllText(Path.Combine(adapter, "new"), ""));

        Assert.Equal(["new"], Directory.EnumerateFileSystemEntries(_folder.At("adapter")).Select(Path.GetFileName));
        Assert.Equal(aside, string.Concat(Directory.EnumerateDirectories(_folder.Path, "adapter.before*").Select(Path.GetFileName)));
        Assert.Equal(aside.Length == 0 ? [] : [$"{_folder.At("adapter")}, which no run has written, is {aside} now."], _told);
        Assert.True(aside.Length == 0 || File.ReadAllText(_folder.At(aside, name)) == "old");
    }

    /// <summary>The entity that was taken over from may be anywhere: before a line whose event is journaled, in the middle of an adapter.</summary>
    [Fact]
    public void EarlierOwner_AfterATakeover_PublishesNothing()
    {
        var earlier = Create("name: a\n", ["e1"]);
        earlier.AppendMetrics(["m1"]);
        var manifest = Manifests.Of(2);
        manifest.Blobs.Add(Manifests.WriteBlob(_folder.At("checkpoints", "step-2"), 0, 2));
        var later = Continue(["e1", "e2"], ["m1", "m2"]);

        earlier.AppendEvents(["e2"]);
        earlier.AppendMetrics(["m2"]);
        var refused = Assert.Throws<IOException>(() => earlier.WritePlan("{}"));
        Assert.Throws<OwnershipLostException>(() => earlier.WriteAdapter(folder => File.WriteAllText(Path.Combine(folder, "a"), "earlier")));
        Assert.Throws<OwnershipLostException>(() => earlier.WriteCheckpoint(manifest));
        later.AppendEvents(["e3"]);
        later.AppendMetrics(["m3"]);
        earlier.Release();
        later.WritePlan("{}");
        later.WriteCheckpoint(manifest);

        Assert.Equal(
            $"The output folder {_folder.Path} was taken over by another coordinator or job (.owner-job-1-2); nothing more is written into it from here. If that one is gone for good, delete {_folder.At(".owner-job-1-2")} and start the job again.",
            refused.Message);
        Assert.Equal("e1\ne2\ne3\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("m1\nm2\nm3\n", File.ReadAllText(_folder.At("metrics.jsonl")));
        Assert.False(Directory.Exists(_folder.At("adapter")));
    }

    /// <summary>An entity that was stopped before it had made the folder wakes when the later one has finished the run; or another job's has.</summary>
    [Theory]
    [InlineData("create")]
    [InlineData("resume")]
    [InlineData("continue")]
    [InlineData("another job")]
    public void EarlierOwner_AfterTheLaterOnesEnd_ChangesNothing(string how)
    {
        var line = how == "another job" ? "job-2" : "job-1";
        using (var later = OwnedRunFolder.Create(_folder.Path, new OwnerTitle(line, 9), "name: a\n", ["e1", "e2"], _told.Add))
        {
            later.AppendMetrics([Step1, Step2, Step3]);
            later.Release();
            Manifests.Write(RunFolder.CheckpointsOf(_folder.Path), 3);
        }

        var earlier = new OwnerTitle("job-1", 5);
        var refused = Assert.Throws<IOException>(() => how switch
        {
            "create" => OwnedRunFolder.Create(_folder.Path, earlier, "name: b\n", ["e1"], _told.Add),
            "resume" => OwnedRunFolder.Resume(_folder.Path, earlier, "name: b\n", new ResumePoint(), ["e1"], _told.Add),
            "continue" => OwnedRunFolder.Continue(_folder.Path, earlier, "name: b\n", ["e1"], [Step1], null, _told.Add),
            _ => OwnedRunFolder.Continue(_folder.Path, earlier, "name: b\n", ["of job 1"], [], null, _told.Add),
        });

        Assert.Contains($"(.owner-{line}-9)", refused.Message, StringComparison.Ordinal);
        Assert.Equal("e1\ne2\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal([Step1, Step2, Step3], File.ReadAllLines(_folder.At("metrics.jsonl")));
        Assert.Equal("name: a\n", File.ReadAllText(_folder.At("job.yaml")));
        Assert.Equal([3UL], RunFolder.CheckpointsOf(_folder.Path).Complete());
    }

    /// <summary>The process ended between the journal's word that the run begins and the folder.</summary>
    [Fact]
    public void Continue_WhereTheFolderWasNotMadeYet_MakesIt()
    {
        File.WriteAllText(_folder.At("metrics.jsonl"), "mine");

        Continue(["e1"], []).AppendMetrics(["m1"]);

        Assert.Equal("e1\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("m1\n", File.ReadAllText(_folder.At("metrics.jsonl")));
        Assert.Equal("name: a\n", File.ReadAllText(_folder.At("job.yaml")));
        Assert.Equal("mine", File.ReadAllText(_folder.At("metrics.jsonl.before-1")));
        Assert.Equal([$"{_folder.At("metrics.jsonl")}, which no run has written, is metrics.jsonl.before-1 now."], _told);
    }

    [Theory]
    [InlineData("old\n")]
    [InlineData("old\ne1\n")]
    public void Continue_WhereTheRunWasNotTakenUpWholly_DeletesWhatLiesBehindTheCheckpoint(string events)
    {
        File.WriteAllText(_folder.At("events.jsonl"), events);
        File.WriteAllLines(_folder.At("metrics.jsonl"), [Step1, Step2, Step3]);
        var store = RunFolder.CheckpointsOf(_folder.Path);
        Manifests.Write(store, 2);
        Manifests.Write(store, 3);

        Continue(["e1"], [], new ResumePoint { Checkpoint = Manifests.Of(2), Damaged = { "step-3" } });

        Assert.Equal("old\ne1\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal([Step1, Step2], File.ReadAllLines(_folder.At("metrics.jsonl")));
        Assert.Equal([2UL], store.Steps());
    }

    /// <summary>The first line makes the file: not that of an owner who comes to it too late.</summary>
    [Fact]
    public void EarlierOwner_WhoseFirstLineComesAfterATakeover_MakesNoFile()
    {
        var earlier = Create("name: a\n", ["e1"]);
        var later = Continue(["e1"], []);

        Assert.ThrowsAny<IOException>(() => earlier.AppendMetrics(["m1"]));
        Assert.False(File.Exists(_folder.At("metrics.jsonl")));

        later.AppendMetrics(["m1"]);
        Assert.ThrowsAny<IOException>(() => earlier.AppendMetrics(["m1"]));
        Assert.Equal("m1\n", File.ReadAllText(_folder.At("metrics.jsonl")));
    }

    /// <summary>Whoever had the folder trained on between the choice of the checkpoint and the takeover.</summary>
    [Theory]
    [InlineData(4, 6)]
    [InlineData(6)]
    public void Resume_WhereTheRunWentOnMeanwhile_IsRefusedAndChangesNothing(params int[] steps)
    {
        Create("name: a\n", [Start]).AppendMetrics([Step1]);
        var store = RunFolder.CheckpointsOf(_folder.Path);
        foreach (var step in steps)
            Manifests.Write(store, (ulong)step);

        var refused = Assert.Throws<IOException>(() => Resume("name: b\n", new ResumePoint { Checkpoint = Manifests.Of(4) }, ["e2"]));

        Assert.Contains("has gone on with the run in", refused.Message, StringComparison.Ordinal);
        Assert.Equal($"{Start}\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal($"{Step1}\n", File.ReadAllText(_folder.At("metrics.jsonl")));
        Assert.Equal(steps.Select(step => (ulong)step), store.Complete().Order());
    }

    /// <summary>Where somebody has moved the adapter it is his; the link is the run's.</summary>
    [Fact]
    public void Create_OverARunWhoseAdapterIsALink_LeavesWhatItLeadsTo()
    {
        Create("name: a\n", [Start]);
        Directory.CreateDirectory(_folder.At("best"));
        File.WriteAllText(_folder.At("best", "adapter_config.json"), "mine");
        Directory.CreateSymbolicLink(_folder.At("adapter"), _folder.At("best"));

        Create("name: b\n", ["e2"]);

        Assert.Equal("mine", File.ReadAllText(_folder.At("best", "adapter_config.json")));
        Assert.False(Path.Exists(_folder.At("adapter")));
    }

    [Fact]
    public void Release_AtTheEnd_LeavesWhatTheRunHasPublishedAlone()
    {
        var folder = Create("name: a\n", ["e1"]);
        folder.AppendMetrics(["m1"]);
        Assert.Equal(_folder.At("adapter"), folder.WriteAdapter(adapter => File.WriteAllText(Path.Combine(adapter, "a"), "")));

        folder.Release();
        folder.AppendEvents(["e2"]);

        Assert.Equal([".owner-job-1-1", "adapter", "events.jsonl", "job.yaml", "metrics.jsonl"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("e1\ne2\n", File.ReadAllText(_folder.At("events.jsonl")));
    }

    private OwnedRunFolder Create(string resolvedYaml, IEnumerable<string> events) => Kept(OwnedRunFolder.Create(_folder.Path, Next(), resolvedYaml, events, _told.Add));

    private OwnedRunFolder Resume(string resolvedYaml, ResumePoint resume, IEnumerable<string> events) => Kept(OwnedRunFolder.Resume(_folder.Path, Next(), resolvedYaml, resume, events, _told.Add));

    private OwnedRunFolder Continue(IReadOnlyList<string> events, IReadOnlyList<string> metrics, ResumePoint? resume = null) => Kept(OwnedRunFolder.Continue(_folder.Path, Next(), "name: a\n", events, metrics, resume, _told.Add));

    private OwnerTitle Next() => new("job-1", (ulong)_owned.Count + 1);

    private OwnedRunFolder Kept(OwnedRunFolder folder)
    {
        _owned.Add(folder);
        return folder;
    }
}
