using System.Globalization;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>A worker that hangs beyond its lease and that nobody can kill: it comes back when its place is taken, with a generation that is over.</summary>
/// <remarks>Explicit, for it takes half a minute: <c>.ci/full</c> runs it.</remarks>
[Collection(nameof(Alone))]
public sealed class ReturnedWorkerTests
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(20);

    [Fact(Explicit = true)]
    public async Task Train_StoppedWorkerThatIsNotKilled_IsRefusedWhenItComesBack()
    {
        using var folder = new TemporaryFolder();
        var job = QuietRuns.Job(golden: true, 2, 1, 0, "training.max_steps=400", "training.eval_steps=200");
        var quiet = ChaosRun.Quiet(Repository.Coordinator, job with { Replicas = 1 }, folder["quiet"]);
        var files = new RunFiles(folder["run"]);
        using var train = new TrainProcess(Repository.Coordinator, job.Arguments(files.Folder), Orphaned(folder));
        await UntilAsync(() => files.CommittedStep >= 5, train);

        int stopped = train.Signal("worker-1", Signals.Stop) ?? throw new InvalidOperationException("there is no worker-1");
        await Task.Delay(Hang);
        await UntilAsync(() => files.Events().Any(line => line is { Name: "join", Worker: "worker-1" }), train);
        train.Signal(stopped, Signals.Continue);
        await UntilAsync(() => !Directory.Exists($"/proc/{stopped.ToString(CultureInfo.InvariantCulture)}"), train);

        Assert.Matches("Incarnation \\d+ of worker-1 is over", File.ReadAllText(folder[$"{stopped.ToString(CultureInfo.InvariantCulture)}.log"]));
        Assert.True(train.Finish() == 0, train.Text);
        Assert.Equal(quiet.Steps(), files.Steps());
        Assert.True(quiet.Adapter.AsSpan().SequenceEqual(files.Adapter));
        foreach (string pid in Directory.EnumerateFiles(folder.FullPath, "*.pid").Select(File.ReadAllText))
        {
            train.Signal(int.Parse(pid, CultureInfo.InvariantCulture), Signals.Kill);
        }
    }

    // The worker is nobody's child and has no owner's pipe, so its owner ends the script and not it.
    private static string Orphaned(TemporaryFolder folder) => folder.WriteProgram("orphaned.sh", $$"""
        #!/bin/sh
        for word in "$@"; do shift; [ "$word" = --owned ] || set -- "$@" "$word"; done
        ( sh -c 'echo $$ >{{folder.FullPath}}/$0.pid; exec {{Repository.Worker}} "$@" </dev/null >{{folder.FullPath}}/$$.log 2>&1' $$ "$@" & )
        while [ ! -s {{folder.FullPath}}/$$.pid ]; do sleep 0.01; done
        while kill -0 $(cat {{folder.FullPath}}/$$.pid) 2>/dev/null; do sleep 0.1; done

        """);

    private static async Task UntilAsync(Func<bool> condition, TrainProcess train)
    {
        while (!condition())
        {
            Assert.False(train.HasExited, train.Text);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
    }
}
