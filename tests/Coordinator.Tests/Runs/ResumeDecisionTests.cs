using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Tests.Checkpoints;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Which point a run goes on from, by what its folder holds.</summary>
public sealed class ResumeDecisionTests : IDisposable
{
    private static readonly CheckpointSearch Nothing = new(null, [], null);
    private static readonly RunHistory Empty = new(Nothing, null, null, 0, []);
    private readonly TemporaryFolder _folder = new();

    private static CheckpointManifest OfAnother
    {
        get
        {
            var manifest = Manifests.Of(6);
            manifest.JobHash = "other";
            return manifest;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Make_WithACompleteCheckpoint_GoesOnFromItAndTellsOfDamagedOnes()
    {
        var (point, refusal) = Make(Empty with { Checkpoints = new CheckpointSearch(Manifests.Of(4), ["step-6 is torn."], Manifests.Of(6)) });

        Assert.Null(refusal);
        Assert.Equal(new ResumePoint { Checkpoint = Manifests.Of(4), Damaged = { "step-6 is torn." } }, point);
    }

    [Fact]
    public void Make_WithoutACheckpoint_BeginsAgain() => Assert.Equal(new ResumePoint(), Make(Empty with { PlannedJob = "hash" }).Point);

    /// <summary>Known by the newest manifest, whose blobs may be damaged; without one by the plan.</summary>
    [Fact]
    public void Make_OfAnotherJob_Refuses()
    {
        foreach (var history in new[]
        {
            Empty with { Checkpoints = new CheckpointSearch(null, ["step-6 is torn."], OfAnother), PlannedJob = "hash" },
            Empty with { PlannedJob = "other" },
        })
        {
            var (point, refusal) = Make(history);
            Assert.Null(point);
            Assert.Matches("holds the run of another job .*choose another output, or delete that run with --overwrite\\.$", refusal);
        }
    }

    [Theory]
    [InlineData("hash", 9, true)]
    [InlineData("hash", 8, false)]
    [InlineData("other", 9, false)]
    public void Make_WithTheAdapterOfTheLastStep_IsFinished(string adapterOf, ulong step, bool finished)
    {
        var history = Empty with { Checkpoints = new CheckpointSearch(Manifests.Of(9), [], Manifests.Of(9)), FinishedJob = adapterOf, FinishedStep = step };
        Assert.Equal(finished, Make(history).Point!.Finished);
    }

    [Fact]
    public void Read_OfARunsFolder_TakesWhatIsWholeAndIgnoresWhatIsNot()
    {
        Manifests.Write(new CheckpointStore(_folder.At("checkpoints")), 4);
        File.WriteAllText(_folder.At("plan.json"), """{"job_hash": "planned"}""");
        File.WriteAllText(_folder.At("metrics.jsonl"), """
            {"step":0,"eval_loss":null,"eval_label_tokens":3}
            {"step":1,"loss":2}
            {"step":1,"eval_loss":0.5,"eval_label_tokens":3}
            {"step":2,"lo
            """);
        Directory.CreateDirectory(_folder.At("adapter"));
        File.WriteAllText(_folder.At("adapter", "lineage.json"), """{"job_sha256": "finished", "step": 9}""");

        var history = RunHistory.Read(_folder.Path, TestContext.Current.CancellationToken);

        Assert.Equal((4UL, "planned", "finished", 9UL), (history.Checkpoints.Newest?.Step, history.PlannedJob, history.FinishedJob, history.FinishedStep));
        Assert.Equal([(0UL, double.NaN), (1UL, 0.5)], history.Evaluations.Select(evaluation => (evaluation.Step, evaluation.Loss)));

        File.WriteAllText(_folder.At("plan.json"), "{");
        File.WriteAllText(_folder.At("adapter", "lineage.json"), """{"job_sha256": 3, "step": "x"}""");
        history = RunHistory.Read(_folder.Path, TestContext.Current.CancellationToken);
        Assert.Equal((null, null, 0UL), (history.PlannedJob, history.FinishedJob, history.FinishedStep));
    }

    private static (ResumePoint? Point, string? Refusal) Make(RunHistory history) => ResumeDecision.Make("/out", "hash", 9, history);
}
