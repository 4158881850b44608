using System.Globalization;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>Workers that die, hang, leave or lose their connections in the middle of a run: the adapter, the losses and the norms are those of the run that nobody disturbed. More of them: tests/Chaos.</summary>
[Collection(nameof(Alone))]
public sealed partial class RecoveryTests(QuietRuns quiet) : IClassFixture<QuietRuns>
{
    [Fact]
    public async Task Train_ReplicaKilledTwice_RepeatsNothingThatSurvived()
    {
        var outcome = await quiet.AssertUndisturbedAsync(QuietRuns.Job(golden: false, 2, 1, 0), new Fault(4, FaultKind.Kill, 1), new Fault(14, FaultKind.Kill, 0));
        var events = outcome.Files.Events();
        Assert.Equal(["worker-1", "worker-0"], events.Where(line => line.Name == "lost").Select(line => line.Worker));
        // The surviving replica went on alone, and the lost one's next life took its place again.
        Assert.Equal(2, events.Count(line => line.Name == "recovered"));
        Assert.Contains(events, line => line is { Name: "join", Worker: "worker-1" });
        Assert.True(outcome.LostWorkerSeconds > 0);
    }

    /// <summary>A stage with one replica lives on in its mirror; the spare takes its place.</summary>
    [Fact]
    public async Task Train_OnlyReplicaOfAStageKilled_ASpareGoesOnFromItsMirror()
    {
        var outcome = await quiet.AssertUndisturbedAsync(QuietRuns.Job(golden: true, 1, 2, 1), new Fault(5, FaultKind.Kill, 1) { IsOfPlace = true });
        var events = outcome.Files.Events();
        string lost = Assert.Single(outcome.Faults).Fault.WorkerName;
        Assert.Contains(events, line => line.Name == "lost" && line.Worker == lost);
        Assert.Contains(events, line => line.Name == "join" && line.Worker != lost);
        Assert.DoesNotContain(events, line => line.Name == "rollback");
    }

    /// <summary>A lone worker lives on in the file of its states.</summary>
    [Fact]
    public async Task Train_LoneWorkerKilled_ItsNextLifeGoesOnFromItsFile()
    {
        var outcome = await quiet.AssertUndisturbedAsync(QuietRuns.Job(golden: true, 1, 1, 0), new Fault(6, FaultKind.Kill, 0), new Fault(15, FaultKind.Terminate, 0));
        Assert.DoesNotContain(outcome.Files.Events(), line => line.Name == "rollback");
        // Its later lives quantize nothing again: of the file they read the weights of 16 and 32 bits alone.
        string[] loads = [.. File.ReadLines(Path.Combine(outcome.Files.Folder, "run.log")).Where(line => line.Contains(" is loaded: ", StringComparison.Ordinal)).Select(line => line.Split(" is loaded: ")[1])];
        Assert.Equal(3, loads.Length);
        Assert.Matches("^[0-9.]+ [kM]B read from the model's files$", loads[0]);
        Assert.All(loads[1..], load => Assert.Matches("^[0-9.]+ [kM]B from the cache, [0-9.]+ [kM]B read from the model's files$", load));
        Assert.All(loads[1..], load => Assert.True(Bytes(load.Split(", ")[1]) < Bytes(loads[0]) - (3 * Bytes(load)), $"{loads[0]}; {load}"));
        Assert.False(Directory.Exists(Path.Combine(outcome.Files.Folder, ".orchestrator", "stages")));
    }

    /// <summary>Without mirrors the lost stage goes on from the checkpoint, and the other with it.</summary>
    [Fact]
    public async Task Train_WithoutMirrors_GoesBackToTheCheckpointAndSaysSo()
    {
        var job = QuietRuns.Job(golden: true, 1, 2, 0, "resilience=checkpoint", "training.save_steps=4");
        using var folder = new TemporaryFolder();
        var outcome = await ChaosRun.DisturbedAsync(Repository.Coordinator, Repository.Worker, job, [new Fault(7, FaultKind.Kill, 1)], folder["run"]);
        var rollback = Assert.Single(outcome.Files.Events(), line => line.Name == "rollback");
        Assert.True(rollback.Step % 4 == 0, $"step {rollback.Step}");
        Assert.True(outcome.StepsRepeated > 1, $"{outcome.StepsRepeated}");
        var quietRun = quiet.Of(QuietRuns.Job(golden: true, 1, 1, 0));
        Assert.Equal(quietRun.Steps(), outcome.Files.Steps());
        Assert.Equal(quietRun.Evaluations(), outcome.Files.Evaluations());
        Assert.True(quietRun.Adapter.AsSpan().SequenceEqual(outcome.Files.Adapter));
    }

    /// <summary>A stopped worker is lost with its lease and ended; meanwhile the progress says who waits for it.</summary>
    [Fact]
    public async Task Train_WorkerStopped_IsNamedWhileOthersWaitAndReplaced()
    {
        var outcome = await quiet.AssertUndisturbedAsync(QuietRuns.Job(golden: true, 2, 2, 0), new Fault(5, FaultKind.Stop, 3));
        var stopped = Assert.Single(outcome.Faults).Time;
        var named = outcome.Lines.FirstOrDefault(line => line.Time > stopped && Waiting().IsMatch(line.Text));
        Assert.True(named is not null && named.Time - stopped < TimeSpan.FromSeconds(5), outcome.Text);
        Assert.Contains(outcome.Files.Events(), line => line is { Name: "lost", Worker: "worker-3" });
    }

    /// <summary>Connections that break, go silent or carry wrong bytes are made again; nobody is lost, no step is repeated.</summary>
    [Fact]
    public async Task Train_ConnectionsDisturbed_NobodyIsLost()
    {
        var outcome = await quiet.AssertUndisturbedAsync(
            QuietRuns.Job(golden: false, 3, 1, 0),
            new Fault(3, FaultKind.Reset, 1), new Fault(6, FaultKind.Corrupt, 0), new Fault(9, FaultKind.HalfOpen, 2), new Fault(12, FaultKind.Delay, 1));
        Assert.DoesNotContain(outcome.Files.Events(), line => line.Name is "lost" or "recovered");
        Assert.Equal(0, outcome.StepsRepeated);
    }

    private static double Bytes(string words) => double.Parse(words.Split(' ')[0], CultureInfo.InvariantCulture) * (words.Split(' ')[1] == "MB" ? 1e6 : 1e3);

    // With steps that take longer than a lease the loss comes before the sentence on the wait.
    [GeneratedRegex(@"step \d+/24 stands still .*waits for worker-3, stage \d|recovering: worker-3 was lost at step \d+: nothing was heard of it", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Waiting();
}
