using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Tests.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Check_OnAFolderWithARun_RefusesUnlessToldWhatToDoWithIt()
    {
        RunFolder.Create(_folder.Path, "name: a\n", ["{}"]);

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
        Assert.All(new[] { "job.yaml", "plan.json", "metrics.jsonl" }, name => Assert.Equal("mine", File.ReadAllText(_folder.At($"{name}.before-1"))));
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
        RunFolder.Create(_folder.Path, "name: a\n", ["e1"]).AppendMetrics(lines);
        File.AppendAllText(_folder.At("metrics.jsonl"), """{"step":4,"lo""");
        File.AppendAllText(_folder.At("events.jsonl"), "half");
        var resume = new ResumePoint { Checkpoint = step == 0 ? null : new CheckpointManifest { Step = step, LastEvaluation = new EvaluationPoint { Step = lastEvaluation } } };

        RunFolder.Resume(_folder.Path, "name: b\n", resume, ["e2"]).AppendMetrics(["next"]);

        Assert.Equal([.. lines.Take(kept), "next"], File.ReadAllLines(_folder.At("metrics.jsonl")));
        Assert.Equal("e1\ne2\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal("name: b\n", File.ReadAllText(_folder.At("job.yaml")));
    }

    [Fact]
    public void Resume_FromACheckpoint_DeletesWhatLiesBehindIt()
    {
        var store = new CheckpointStore(_folder.At("checkpoints"));
        RunFolder.Create(_folder.Path, "name: a\n", ["e1"]);
        foreach (var step in new ulong[] { 2, 4 })
        {
            Manifests.Write(store, step);
        }

        Manifests.WriteBlob(store.Of(6), 0, 6);

        RunFolder.Resume(_folder.Path, "name: a\n", new ResumePoint { Checkpoint = Manifests.Of(2) }, []);

        Assert.Equal(["step-2"], Directory.EnumerateDirectories(store.Folder).Select(Path.GetFileName));
        RunFolder.Create(_folder.Path, "name: a\n", ["e1"]);
        Assert.False(Directory.Exists(store.Folder));
    }

    /// <summary>The coordinator of a run that had gone on is killed in its turn: the lines of the first journal stay.</summary>
    [Theory]
    [InlineData("e1\n", "")]
    [InlineData("e1\ne2\n", "m")]
    [InlineData("e1\ne2\ne3\n", Step3 + "\n")]
    // The process that was to cut what lay behind the checkpoint had ended before.
    [InlineData("e1\ne2\ne3\n", Step3 + "\nm4\nx5\nx6\n")]
    public void Continue_OfARunThatHadGoneOn_CompletesTheLinesBehindTheEarlierOnes(string events, string metrics)
    {
        RunFolder.Create(_folder.Path, "name: a\n", []);
        File.WriteAllText(_folder.At("events.jsonl"), events);
        File.WriteAllText(_folder.At("metrics.jsonl"), $"{Step1}\n{Step2}\n{metrics}");

        RunFolder.Continue(_folder.Path, ["e2", "e3"], [Step3, "m4"], new ResumePoint { Checkpoint = new CheckpointManifest { Step = 2 } });

        Assert.Equal("e1\ne2\ne3\n", File.ReadAllText(_folder.At("events.jsonl")));
        Assert.Equal($"{Step1}\n{Step2}\n{Step3}\nm4\n", File.ReadAllText(_folder.At("metrics.jsonl")));
    }

    [Fact]
    public void Create_WhereNothingCanBeWritten_NamesTheFolder()
    {
        File.WriteAllText(_folder.At("file"), "");

        var failure = Assert.Throws<IOException>(() => RunFolder.Create(_folder.At("file", "out"), "name: a\n", ["e"]));

        Assert.Contains(_folder.At("file", "out"), failure.Message, StringComparison.Ordinal);
    }
}
