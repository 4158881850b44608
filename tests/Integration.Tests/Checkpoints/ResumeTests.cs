using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Integration.Tests.Refusals;

namespace Orchestrator.Integration.Tests.Checkpoints;

/// <summary>Runs whose coordinator and workers are killed with SIGKILL and that go on: in the end everything is as if nobody had disturbed them.</summary>
[Collection(nameof(Alone))]
public sealed class ResumeTests(KilledJob job) : IClassFixture<KilledJob>
{
    /// <summary>On two stages meanwhile, which Ctrl-C ends after whatever step they are in. A slow disk may have the checkpoint of step 2 a little later than step 3 is made.</summary>
    [Fact]
    public void Resume_KilledAtStep3ThenInterrupted_GoesOnOnOtherLayouts()
    {
        var (run, checkpoints) = job.Kill("early", 2, 1, output => KilledJob.HasStep(output, 3) && KilledJob.CheckpointsIn(output).Count > 0);
        var stopped = job.Interrupt(run, 1, 2, output => KilledJob.HasStep(output, 9));
        Assert.True(stopped.ExitCode == 3, stopped.ToString());
        Assert.Equal(checkpoints[^1], KilledJob.ResumedAt(run));
        int last = KilledJob.CheckpointsIn(run.Folder)[^1];
        Assert.Contains($"Stopped after step {last} of 20, whose state is saved", stopped.Errors, StringComparison.Ordinal);
        Assert.InRange(last, 9, 19);

        job.GoesOn(run, last, 2, 1);
    }

    [Fact]
    public void Resume_KilledAtStep17WithADamagedBlob_GoesOnFromTheCheckpointBefore()
    {
        var (run, checkpoints) = job.Kill("late", 1, 1, output => KilledJob.HasStep(output, 17));
        Assert.InRange(checkpoints.Count, 2, 3);
        string blob = Change(run, checkpoints[^1], bytes => [.. bytes[..(bytes.Length / 2)], (byte)(bytes[bytes.Length / 2] ^ 16), .. bytes[((bytes.Length / 2) + 1)..]]);
        var inspected = OrchestratorProcess.Run("inspect", Path.GetDirectoryName(blob)!);
        Assert.Equal(1, inspected.ExitCode);
        Assert.Matches(@"complete +false[\s\S]*does not match the digest", inspected.Output);

        RefusesAnotherClass(run);
        var result = job.GoesOn(run, checkpoints[^2], 1, 1);

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

        job.GoesOn(run, checkpoints[^1], 1, 1);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(run.Folder, "checkpoints"), ".*", SearchOption.AllDirectories));

        // The newest one is cut short, and of the one before only the first half came to the disk.
        Directory.Delete(Path.Combine(run.Folder, "adapter"), recursive: true);
        checkpoints = KilledJob.CheckpointsIn(run.Folder);
        Change(run, checkpoints[^1], bytes => bytes[..^1]);
        Change(run, checkpoints[^2], bytes => [.. bytes[..(bytes.Length / 2)], .. new byte[bytes.Length - (bytes.Length / 2)]]);

        job.GoesOn(run, checkpoints[^3], 1, 1);
        var rollbacks = run.Lines("events.jsonl").Where(line => line.GetProperty("event").GetString() == "rollback").Select(line => line.GetProperty("reason").GetString()!).TakeLast(2);
        Assert.Equal([$"step-{checkpoints[^1]}", $"step-{checkpoints[^2]}"], rollbacks.Select(reason => reason.Split(' ')[2]));

        // Its manifests are torn: the same run once more, from the start.
        Directory.Delete(Path.Combine(run.Folder, "adapter"), recursive: true);
        foreach (int step in KilledJob.CheckpointsIn(run.Folder))
        {
            File.WriteAllText(Path.Combine(run.Folder, "checkpoints", $"step-{step}", "manifest.json"), "{\"step\": ");
        }

        job.GoesOn(run, 0, 1, 1);
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

        job.GoesOn(run, KilledJob.CheckpointsIn(run.Folder)[^1], all[^1].Replicas, all[^1].Stages);
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

    // Of one layer's state in a checkpoint.
    private static string Change(RunOutput run, int checkpoint, Func<byte[], byte[]> change)
    {
        string blob = Directory.EnumerateFiles(Path.Combine(run.Folder, "checkpoints", $"step-{checkpoint}"), "*.blob").First();
        File.WriteAllBytes(blob, change(File.ReadAllBytes(blob)));
        return blob;
    }
}
