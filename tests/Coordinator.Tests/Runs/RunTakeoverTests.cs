using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tests.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>A run's folder between the lives of its entity, and between jobs.</summary>
public sealed class RunTakeoverTests : IDisposable
{
    private const string Start = """{"event":"start","job":"job-0"}""";
    private const string Step1 = """{"step":1,"loss":2}""";
    private const string Step2 = """{"step":2,"loss":1}""";
    private const string Step3 = """{"step":3,"loss":1}""";

    private readonly RunOwners _owners = new();

    private TemporaryFolder Folder => _owners.Folder;

    public void Dispose() => _owners.Dispose();

    /// <summary>The entity that was taken over from may be anywhere: before a line whose event is journaled, in the middle of an adapter.</summary>
    [Fact]
    public void EarlierOwner_AfterATakeover_PublishesNothing()
    {
        var earlier = _owners.Create("name: a\n", ["e1"]);
        earlier.AppendMetrics(["m1"]);
        var manifest = Manifests.Of(2);
        manifest.Blobs.Add(Manifests.WriteBlob(Folder.At("checkpoints", "step-2"), 0, 2));
        var later = _owners.Continue(["e1", "e2"], ["m1", "m2"]);

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
            $"The output folder {Folder.Path} was taken over by another coordinator or job (.owner-job-1-2); nothing more is written into it from here. If that one is gone for good, delete {Folder.At(".owner-job-1-2")} and start the job again.",
            refused.Message);
        Assert.Equal("e1\ne2\ne3\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal("m1\nm2\nm3\n", File.ReadAllText(Folder.At("metrics.jsonl")));
        Assert.False(Directory.Exists(Folder.At("adapter")));
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
        using (var later = OwnedRunFolder.Create(Folder.Path, new OwnerTitle(line, 9), "name: a\n", ["e1", "e2"], _owners.Told.Add))
        {
            later.AppendMetrics([Step1, Step2, Step3]);
            later.Release();
            Manifests.Write(RunFolder.CheckpointsOf(Folder.Path), 3);
        }

        var earlier = new OwnerTitle("job-1", 5);
        var refused = Assert.Throws<IOException>(() => how switch
        {
            "create" => OwnedRunFolder.Create(Folder.Path, earlier, "name: b\n", ["e1"], _owners.Told.Add),
            "resume" => OwnedRunFolder.Resume(Folder.Path, earlier, "name: b\n", new ResumePoint(), ["e1"], _owners.Told.Add),
            "continue" => OwnedRunFolder.Continue(Folder.Path, earlier, "name: b\n", ["e1"], [Step1], null, _owners.Told.Add),
            _ => OwnedRunFolder.Continue(Folder.Path, earlier, "name: b\n", ["of job 1"], [], null, _owners.Told.Add),
        });

        Assert.Contains($"(.owner-{line}-9)", refused.Message, StringComparison.Ordinal);
        Assert.Equal("e1\ne2\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal([Step1, Step2, Step3], File.ReadAllLines(Folder.At("metrics.jsonl")));
        Assert.Equal("name: a\n", File.ReadAllText(Folder.At("job.yaml")));
        Assert.Equal([3UL], RunFolder.CheckpointsOf(Folder.Path).Complete());
    }

    /// <summary>The process ended between the journal's word that the run begins and the folder.</summary>
    [Fact]
    public void Continue_WhereTheFolderWasNotMadeYet_MakesIt()
    {
        File.WriteAllText(Folder.At("metrics.jsonl"), "mine");

        _owners.Continue(["e1"], []).AppendMetrics(["m1"]);

        Assert.Equal("e1\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal("m1\n", File.ReadAllText(Folder.At("metrics.jsonl")));
        Assert.Equal("name: a\n", File.ReadAllText(Folder.At("job.yaml")));
        Assert.Equal("mine", File.ReadAllText(Folder.At("metrics.jsonl.before-1")));
        Assert.Equal([$"{Folder.At("metrics.jsonl")}, which no run has written, is metrics.jsonl.before-1 now."], _owners.Told);
    }

    [Theory]
    [InlineData("old\n")]
    [InlineData("old\ne1\n")]
    public void Continue_WhereTheRunWasNotTakenUpWholly_DeletesWhatLiesBehindTheCheckpoint(string events)
    {
        File.WriteAllText(Folder.At("events.jsonl"), events);
        File.WriteAllLines(Folder.At("metrics.jsonl"), [Step1, Step2, Step3]);
        var store = RunFolder.CheckpointsOf(Folder.Path);
        Manifests.Write(store, 2);
        Manifests.Write(store, 3);

        _owners.Continue(["e1"], [], new ResumePoint { Checkpoint = Manifests.Of(2), Damaged = { "step-3" } });

        Assert.Equal("old\ne1\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal([Step1, Step2], File.ReadAllLines(Folder.At("metrics.jsonl")));
        Assert.Equal([2UL], store.Steps());
    }

    /// <summary>The first line makes the file: not that of an owner who comes to it too late.</summary>
    [Fact]
    public void EarlierOwner_WhoseFirstLineComesAfterATakeover_MakesNoFile()
    {
        var earlier = _owners.Create("name: a\n", ["e1"]);
        var later = _owners.Continue(["e1"], []);

        Assert.ThrowsAny<IOException>(() => earlier.AppendMetrics(["m1"]));
        Assert.False(File.Exists(Folder.At("metrics.jsonl")));

        later.AppendMetrics(["m1"]);
        Assert.ThrowsAny<IOException>(() => earlier.AppendMetrics(["m1"]));
        Assert.Equal("m1\n", File.ReadAllText(Folder.At("metrics.jsonl")));
    }

    /// <summary>Whoever had the folder trained on between the choice of the checkpoint and the takeover.</summary>
    [Theory]
    [InlineData(4, 6)]
    [InlineData(6)]
    public void Resume_WhereTheRunWentOnMeanwhile_IsRefusedAndChangesNothing(params int[] steps)
    {
        _owners.Create("name: a\n", [Start]).AppendMetrics([Step1]);
        var store = RunFolder.CheckpointsOf(Folder.Path);
        foreach (var step in steps)
            Manifests.Write(store, (ulong)step);

        var refused = Assert.Throws<IOException>(() => _owners.Resume("name: b\n", new ResumePoint { Checkpoint = Manifests.Of(4) }, ["e2"]));

        Assert.Contains("has gone on with the run in", refused.Message, StringComparison.Ordinal);
        Assert.Equal($"{Start}\n", File.ReadAllText(Folder.At("events.jsonl")));
        Assert.Equal($"{Step1}\n", File.ReadAllText(Folder.At("metrics.jsonl")));
        Assert.Equal(steps.Select(step => (ulong)step), store.Complete().Order());
    }

    [Fact]
    public void Release_AtTheEnd_LeavesWhatTheRunHasPublishedAlone()
    {
        var folder = _owners.Create("name: a\n", ["e1"]);
        folder.AppendMetrics(["m1"]);
        Assert.Equal(Folder.At("adapter"), folder.WriteAdapter(adapter => File.WriteAllText(Path.Combine(adapter, "a"), "")));

        folder.Release();
        folder.AppendEvents(["e2"]);

        Assert.Equal([".owner-job-1-1", "adapter", "events.jsonl", "job.yaml", "metrics.jsonl"], Directory.EnumerateFileSystemEntries(Folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("e1\ne2\n", File.ReadAllText(Folder.At("events.jsonl")));
    }
}
