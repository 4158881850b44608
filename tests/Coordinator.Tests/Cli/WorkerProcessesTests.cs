using System.Diagnostics;
using Akka.Actor;
using Akka.Hosting;
using Akka.Hosting.TestKit;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>The starter with shell scripts in the worker's place.</summary>
public sealed class WorkerProcessesTests(ITestOutputHelper output) : TestKit(output: output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TemporaryFolder _folder = new();
    private readonly RunLog _log = new(TimeProvider.System);

    [Fact]
    public async Task Worker_ThatDiesAtStart_MakesTheFleetUnavailableWithItsLastWords()
    {
        Sys.ActorOf(WorkerProcesses.Props(Launch("echo 'no libtorch here' >&2; exit 3"), TestActor, _log));
        await ExpectMsgAsync<Subscribe>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, (await ExpectMsgAsync<FleetLimit>(cancellationToken: TestContext.Current.CancellationToken)).MaxWorkers);
        var unavailable = await ExpectMsgAsync<FleetUnavailable>(Patience, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains("exit code 3; it said: no libtorch here", unavailable.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_WhoseProgramIsMissing_MakesTheFleetUnavailable()
    {
        Sys.ActorOf(WorkerProcesses.Props(Launch("true") with { Executable = "/nowhere/orchestrator-worker" }, TestActor, _log));
        await ExpectMsgAsync<Subscribe>(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, (await ExpectMsgAsync<FleetLimit>(cancellationToken: TestContext.Current.CancellationToken)).MaxWorkers);
        var unavailable = await ExpectMsgAsync<FleetUnavailable>(Patience, cancellationToken: TestContext.Current.CancellationToken);
        Assert.StartsWith("The worker /nowhere/orchestrator-worker cannot be started", unavailable.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cat > /dev/null")]
    [InlineData("trap '' INT TERM; while true; do sleep 0.1; done")]
    public async Task Stop_LeavesNoProcess(string script)
    {
        var marker = Path.Combine(_folder.Path, "pid");
        var processes = Sys.ActorOf(WorkerProcesses.Props(Launch($"echo $$ > {marker}.tmp; mv {marker}.tmp {marker}; {script}"), TestActor, _log));
        await AwaitConditionAsync(() => Task.FromResult(File.Exists(marker)), Patience, cancellationToken: TestContext.Current.CancellationToken);
        var id = int.Parse((await File.ReadAllTextAsync(marker, TestContext.Current.CancellationToken)).Trim());
        await processes.Ask<WorkerProcesses.WorkersStopped>(new WorkerProcesses.StopWorkers(), Patience, TestContext.Current.CancellationToken);
        Assert.False(IsAlive(id));
    }

    [Fact]
    public async Task Worker_WhoseLeaseRanOut_IsKilledAndStartedAgain()
    {
        var lives = Path.Combine(_folder.Path, "lives");
        var processes = Sys.ActorOf(WorkerProcesses.Props(Launch($"echo $$ >> {lives}; cat > /dev/null"), TestActor, _log));
        await AwaitConditionAsync(() => Task.FromResult(Lines(lives).Length == 1), Patience, cancellationToken: TestContext.Current.CancellationToken);
        var key = new WorkerKey("worker-0", 7);
        processes.Tell(new FleetSnapshot(1, [new AttachedWorker(key, new Protos.NumericClass(), "http://127.0.0.1:1", 0, "cpu", FastBfloat16: false)]));
        processes.Tell(new WorkerLost(key, "nothing was heard of it."));
        await AwaitConditionAsync(() => Task.FromResult(Lines(lives).Length == 2), Patience, cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(IsAlive(int.Parse(Lines(lives)[0])));
        await processes.Ask<WorkerProcesses.WorkersStopped>(new WorkerProcesses.StopWorkers(), Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Worker_ThatLeft_EndsInItsOwnTime()
    {
        var lives = Path.Combine(_folder.Path, "lives");
        var processes = Sys.ActorOf(WorkerProcesses.Props(Launch($"echo $$ >> {lives}; cat > /dev/null"), TestActor, _log));
        await AwaitConditionAsync(() => Task.FromResult(Lines(lives).Length == 1), Patience, cancellationToken: TestContext.Current.CancellationToken);
        var key = new WorkerKey("worker-0", 7);
        processes.Tell(new FleetSnapshot(1, [new AttachedWorker(key, new Protos.NumericClass(), "http://127.0.0.1:1", 0, "cpu", FastBfloat16: false)]));
        processes.Tell(new WorkerLost(key, "it was told to end.", Left: true));
        await processes.Ask<ActorIdentity>(new Identify(1), Patience, TestContext.Current.CancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(0.2), TestContext.Current.CancellationToken);
        Assert.True(IsAlive(int.Parse(Lines(lives)[0])));
        await processes.Ask<WorkerProcesses.WorkersStopped>(new WorkerProcesses.StopWorkers(), Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Worker_StartedAgain_IsNotKilledForTheLossOfItsEarlierLife()
    {
        var lives = Path.Combine(_folder.Path, "lives");
        var ended = Path.Combine(_folder.Path, "ended");
        var script = $"echo $$ >> {lives}; if [ ! -e {ended} ]; then while [ ! -e {ended} ]; do sleep 0.05; done; exit 1; fi; cat > /dev/null";
        var processes = Sys.ActorOf(WorkerProcesses.Props(Launch(script), TestActor, _log));
        await AwaitConditionAsync(() => Task.FromResult(Lines(lives).Length == 1), Patience, cancellationToken: TestContext.Current.CancellationToken);
        var key = new WorkerKey("worker-0", 7);
        var stillHeld = new FleetSnapshot(1, [new AttachedWorker(key, new Protos.NumericClass(), "http://127.0.0.1:1", 0, "cpu", FastBfloat16: false)]);
        processes.Tell(stillHeld);
        await processes.Ask<ActorIdentity>(new Identify(1), Patience, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(ended, "", TestContext.Current.CancellationToken);
        var told = (WorkerProcessEnded)await FishForMessageAsync(message => message is WorkerProcessEnded, Patience, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(new WorkerProcessEnded(key, "its process ended with exit code 1."), told);
        await AwaitConditionAsync(() => Task.FromResult(Lines(lives).Length == 2), Patience, cancellationToken: TestContext.Current.CancellationToken);

        // Another worker's loss makes a snapshot that still holds the old life; then that one's grace is over.
        processes.Tell(stillHeld);
        processes.Tell(new WorkerLost(key, "its connection closed and it did not come back."));
        await processes.Ask<ActorIdentity>(new Identify(2), Patience, TestContext.Current.CancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(0.2), TestContext.Current.CancellationToken);

        Assert.True(IsAlive(int.Parse(Lines(lives)[1])));
        await processes.Ask<WorkerProcesses.WorkersStopped>(new WorkerProcesses.StopWorkers(), Patience, TestContext.Current.CancellationToken);
    }

    protected override void ConfigureAkka(AkkaConfigurationBuilder builder, IServiceProvider provider)
    {
    }

    protected override async Task AfterAllAsync()
    {
        await base.AfterAllAsync();
        _log.Dispose();
        _folder.Dispose();
    }

    private WorkerLaunch Launch(string script)
    {
        var program = Path.Combine(_folder.Path, "worker.sh");
        File.WriteAllText(program, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new WorkerLaunch(new Uri("http://127.0.0.1:1"), "token", 1, 1, null) { Executable = program, Devices = ["cpu"] };
    }

    private static string[] Lines(string file) => File.Exists(file) ? File.ReadAllLines(file) : [];

    private static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
