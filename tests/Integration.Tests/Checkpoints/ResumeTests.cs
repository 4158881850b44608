using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Integration.Tests.Refusals;

namespace Orchestrator.Integration.Tests.Checkpoints;

/// <summary>Runs whose coordinator and workers are killed with SIGKILL and that go on: in the end everything is as if nobody had disturbed them.</summary>
[Collection(nameof(Alone))]
public sealed class ResumeTests(KilledJob job) : IClassFixture<KilledJob>
{
    /// <summary>On two stages meanwhile, which Ctrl-C ends after whatever step they are in.</summary>
    [Fact]
    public void Resume_KilledAtStep3ThenInterrupted_GoesOnOnOtherLayouts()
    {
        var (run, checkpoints) = job.Kill("early", 2, 1, output => KilledJob.HasStep(output, 3));
        var stopped = job.Interrupt(run, 1, 2, output => KilledJob.HasStep(output, 9));
        Assert.True(stopped.ExitCode == 3, stopped.ToString());
        Assert.Equal(checkpoints[^1], ResumedAt(run));
        int last = KilledJob.CheckpointsIn(run.Folder)[^1];
        Assert.Contains($"Stopped after step {last} of 20, whose state is saved", stopped.Errors, StringComparison.Ordinal);
        Assert.InRange(last, 9, 19);

        GoesOn(run, last, 2, 1);
    }

    [Fact]
    public void Resume_KilledAtStep17WithADamagedBlob_GoesOnFromTheCheckpointBefore()
    {
        var (run, checkpoints) = job.Kill("late", 1, 1, output => KilledJob.HasStep(output, 17));
        Assert.InRange(checkpoints.Count, 2, 3);
        string blob = Directory.EnumerateFiles(Path.Combine(run.Folder, "checkpoints", $"step-{checkpoints[^1]}"), "*.blob").First();
        byte[] bytes = File.ReadAllBytes(blob);
        bytes[bytes.Length / 2] ^= 16;
        File.WriteAllBytes(blob, bytes);
        var inspected = OrchestratorProcess.Run("inspect", Path.GetDirectoryName(blob)!);
        Assert.Matches(@"complete +false[\s\S]*does not match the digest", inspected.Output);

        RefusesAnotherClass(run);
        var result = GoesOn(run, checkpoints[^2], 1, 1);

        string sentence = $"The checkpoint step-{checkpoints[^1]} cannot be used: .*does not match the digest";
        Assert.Matches($@"(?m)^warning \[damaged-checkpoint\] {sentence}", result.Errors);
        var rollback = Assert.Single(run.Lines("events.jsonl"), line => line.GetProperty("event").GetString() == "rollback");
        Assert.Matches(sentence, rollback.GetProperty("reason").GetString());
    }

    /// <summary>While a blob of step 10 is being written, or in the moments around that; the manifest of step 10 may or may not be there then.</summary>
    [Fact]
    public void Resume_KilledWhileACheckpointIsWritten_GoesOnFromTheNewestWholeOne()
    {
        var (run, checkpoints) = job.Kill("writing", 1, 1, output =>
        {
            string folder = Path.Combine(output, "checkpoints", "step-10");
            return Directory.Exists(folder) && Directory.EnumerateFiles(folder).Any();
        });
        Assert.InRange(checkpoints[^1], 8, 10);

        GoesOn(run, checkpoints[^1], 1, 1);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(run.Folder, "checkpoints"), ".*", SearchOption.AllDirectories));

        // Its last manifest is torn and the others are gone: the same run once more, from the start.
        Directory.Delete(Path.Combine(run.Folder, "adapter"), recursive: true);
        foreach (int step in KilledJob.CheckpointsIn(run.Folder))
        {
            File.WriteAllText(Path.Combine(run.Folder, "checkpoints", $"step-{step}", "manifest.json"), "{\"step\": ");
        }

        GoesOn(run, 0, 1, 1);
    }

    /// <summary>Explicit, for it takes half a minute: <c>.ci/full</c> runs it.</summary>
    [Theory(Explicit = true)]
    [InlineData("2x1 3x1 1x1 2x1")]
    [InlineData("1x2 2x1")]
    public void Resume_OnOneLayoutAfterTheOther_EndsInTheSameBytes(string layouts)
    {
        (int Replicas, int Stages)[] all = [.. layouts.Split(' ').Select(layout => (layout[0] - '0', layout[2] - '0'))];
        var run = job.Begin(layouts.Replace(' ', '-'));
        for (int i = 0; i + 1 < all.Length; i++)
        {
            int step = 4 * (i + 1);
            var stopped = job.Interrupt(run, all[i].Replicas, all[i].Stages, output => KilledJob.HasStep(output, step));
            Assert.True(stopped.ExitCode == 3, stopped.ToString());
        }

        GoesOn(run, KilledJob.CheckpointsIn(run.Folder)[^1], all[^1].Replicas, all[^1].Stages);
        var lineage = run.Json(Path.Combine("adapter", "lineage.json"));
        Assert.Equal(all.Length, lineage.GetProperty("layouts").GetArrayLength());
    }

    private void RefusesAnotherClass(RunOutput run)
    {
        var before = FolderListing.Of(run.Folder);
        var other = job.Resume(run, 1, 1, "resources.compute_threads=2");
        Assert.True(other.ExitCode == 2, other.ToString());
        Assert.Matches("error: The run was computed in numeric class .*threads-1, and here are only workers of .*threads-2.*allow_class_change: true", other.Errors);
        // The log and what the killed coordinator left are of no account.
        Assert.Equal(Run(before), Run(FolderListing.Of(run.Folder)));
        static IEnumerable<KeyValuePair<string, string>> Run(IEnumerable<KeyValuePair<string, string>> listing) =>
            listing.Where(entry => entry.Key != "run.log" && !entry.Key.StartsWith(".orchestrator", StringComparison.Ordinal));
    }

    private static int ResumedAt(RunOutput run) =>
        run.Lines("events.jsonl").Last(line => line.GetProperty("event").GetString() == "resume").GetProperty("step").GetInt32();

    private RunResult GoesOn(RunOutput run, int checkpoint, int replicas, int stages)
    {
        var result = job.Resume(run, replicas, stages);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(checkpoint, ResumedAt(run));
        // What was done again, by the workers' own account: each stage ran each micro-batch of the later steps once; every seventh step is the short end of an epoch.
        long microBatches = result.LastJson.GetProperty("workers").EnumerateArray().Sum(worker => worker.GetProperty("micro_batches_run").GetInt64());
        Assert.Equal(job.Quiet.Steps.Skip(checkpoint).Sum(step => step.LabelTokens) / KilledJob.LabelsAMicroBatch * stages, microBatches);

        Assert.True(job.Quiet.AdapterBytes.SequenceEqual(run.AdapterBytes), "the adapter differs from that of the run that nobody disturbed");
        Assert.Equal(job.Quiet.Steps, run.Steps);
        Assert.Equal(job.Quiet.Evaluations, run.Evaluations);
        Assert.True(run.Json(Path.Combine("adapter", "lineage.json")).GetProperty("bit_identical").GetBoolean());
        return result;
    }
}
