using System.Globalization;
using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Api;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Protos;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>A coordinator that goes in the middle of a window; when its workers hold at the window's end, another one comes to its journal, its port and its secrets.</summary>
public sealed partial class CoordinatorRestartTests(CoordinatorRestartTests.QuietRun quiet) : IClassFixture<CoordinatorRestartTests.QuietRun>
{
    // Two windows are never the whole job.
    private const int Steps = 72;
    private const int WindowSteps = 32;
    private const int MicroBatchesAStep = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>As in a rolling update: whoever watches the job goes on watching it, at the next coordinator.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public async Task Coordinator_Stopped_TheNextOneGoesOnWhereTheWorkersHold(int replicas, int stages)
    {
        using var patience = Limit();
        using var folder = new TemporaryFolder();
        using var workers = new UnownedWorkers(folder);
        using var log = LogIn(folder);
        var (job, files, tokens) = (Job(replicas, stages), new RunFiles(folder["run"]), AccessTokens.Random());
        var settings = Settings(folder.FullPath, tokens);

        var first = await CoordinatorHost.StartAsync(settings, log, patience.Token);
        using var jobs = new JobsConnection(first.GrpcAddress, tokens.UserToken);
        Task<JobStatus> ended;
        IReadOnlyList<int> processes;
        try
        {
            processes = workers.Start(new WorkerLaunch(first.GrpcAddress, tokens.JoinToken, job.Workers, Threads: 1, NumericClass: null) { Cache = settings.Folders.Stages });
            ended = EndAsync(jobs, (await jobs.SubmitAsync(Submission(job, files.Folder), patience.Token)).Job, patience.Token);
            await UntilAsync(() => files.CommittedStep >= 3, patience.Token);
        }
        finally
        {
            await first.DisposeAsync();
        }

        int committed = files.CommittedStep;
        await UnownedWorkers.RestAsync(processes, patience.Token);
        await using var second = await CoordinatorHost.StartAsync(settings with { GrpcPort = first.GrpcAddress.Port }, log, patience.Token);

        AssertUndisturbed(job, files, committed, await ended, workers);
    }

    /// <summary>The coordinator of <c>train</c>, whose workers outlive it here. The next one knows nothing but its journal, its port and its join token.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public async Task Coordinator_Killed_TheNextOneGoesOnWhereTheWorkersHold(int replicas, int stages)
    {
        using var patience = Limit();
        using var folder = new TemporaryFolder();
        using var workers = new UnownedWorkers(folder);
        using var log = LogIn(folder);
        var (job, files) = (Job(replicas, stages), new RunFiles(folder["run"]));
        using var train = OrchestratorProcess.StartProgram(
            Repository.Coordinator, [.. job.Arguments(files.Folder)], new Dictionary<string, string>(StringComparer.Ordinal) { ["ORCHESTRATOR_WORKER"] = workers.Program });
        Assert.True(train.WaitUntil(() => files.CommittedStep >= 3), train.Errors);

        var processes = train.Children();
        workers.Adopt(processes);
        OrchestratorProcess.KillAtOnce([train.Id]);
        await UnownedWorkers.RestAsync(processes, patience.Token);
        int committed = files.CommittedStep;
        var tokens = AccessTokens.Random() with { JoinToken = Variable(processes[0], "ORCHESTRATOR_JOIN_TOKEN") };
        int port = new Uri(Argument(processes[0], "--coordinator")).Port;
        await using var second = await CoordinatorHost.StartAsync(Settings(Path.Combine(files.Folder, ".orchestrator"), tokens) with { GrpcPort = port }, log, patience.Token);
        // By itself: nobody asks for the job before it has ended.
        await UntilAsync(() => files.Events() is [.., { Name: "finish" }], patience.Token);
        using var jobs = new JobsConnection(second.GrpcAddress, tokens.UserToken);
        string name = new RunOutput(files.Folder).Lines("events.jsonl").First().GetProperty("job").GetString()!;

        AssertUndisturbed(job, files, committed, await EndAsync(jobs, name, patience.Token), workers);
    }

    // Each step once, and as if nobody had disturbed it; the workers had all held at the same window's end.
    private void AssertUndisturbed(ChaosJob job, RunFiles files, int committed, JobStatus status, UnownedWorkers workers)
    {
        string[] logs = [.. Enumerable.Range(0, job.Workers).Select(index => workers.Log(WorkerLaunch.NameOf(index)))];
        Assert.True(status.State == JobState.Succeeded, $"{status}\n{string.Join('\n', logs)}");
        Assert.True(quiet.Files.Adapter.AsSpan().SequenceEqual(files.Adapter), "the adapter has other bytes");
        Assert.Equal(quiet.Files.Steps(), files.Steps());
        Assert.Equal(quiet.Files.Evaluations(), files.Evaluations());
        Assert.Equal(Steps * MicroBatchesAStep * job.Stages, status.Workers.Sum(worker => (int)worker.MicroBatchesRun));

        int held = Assert.Single(logs.Select(log => int.Parse(Joined().Match(log).Groups["step"].Value, CultureInfo.InvariantCulture)).Distinct());
        Assert.Equal(0, held % WindowSteps);
        Assert.InRange(held, committed + 1, Steps - 1);
        var events = files.Events();
        Assert.Equal(["start", .. Enumerable.Repeat("attach", job.Workers), "recovered", "finish"], events.Select(line => line.Name).Where(name => name != "checkpoint"));
        var recovered = events.Single(line => line.Name == "recovered");
        Assert.Equal((2, held, 0), (recovered.Generation, recovered.Step, recovered.StepsRepeated));
        Assert.StartsWith("The coordinator was started again at step ", recovered.Reason, StringComparison.Ordinal);
    }

    private static ChaosJob Job(int replicas, int stages) => new(
        Path.Combine(Repository.Fixture("training", "nf4-adamw-linear"), "job.yaml"), replicas, stages, Spares: 0,
        [$"training.max_steps={Steps}", "training.eval_steps=8", "resources.compute_threads=1"]);

    private static SubmitJobRequest Submission(ChaosJob job, string output)
    {
        string layout = string.Create(CultureInfo.InvariantCulture, $"layout={{replicas: {job.Replicas}, stages: {job.Stages}}}");
        return TrainRequest.Read(new TrainOptions(job.JobFile) { Out = output, Sets = [layout, .. job.Set] }, Environment.CurrentDirectory).Request!.Submission;
    }

    // Folders and journal as a command keeps them.
    private static CoordinatorSettings Settings(string folder, AccessTokens tokens) => new(
        new JobFolders(Path.Combine(folder, "data"), Path.Combine(folder, "stages")), new ClusterSettings(Path.Combine(folder, "journal.db")), tokens);

    private static RunLog LogIn(TemporaryFolder folder)
    {
        var log = new RunLog(TimeProvider.System);
        log.WriteTo(folder["coordinator.log"]);
        return log;
    }

    private static async Task<JobStatus> EndAsync(JobsConnection jobs, string job, CancellationToken cancellationToken)
    {
        var last = new JobStatus();
        await foreach (var status in jobs.WatchAsync(job, cancellationToken))
        {
            last = status;
        }

        return last;
    }

    private static async Task UntilAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }
    }

    private static CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        return limit;
    }

    private static string Variable(int process, string name) =>
        Words(process, "environ").Single(word => word.StartsWith($"{name}=", StringComparison.Ordinal))[(name.Length + 1)..];

    private static string Argument(int process, string option) => Words(process, "cmdline").SkipWhile(word => word != option).ElementAt(1);

    private static string[] Words(int process, string file) => File.ReadAllText($"/proc/{process}/{file}").Split('\0');

    [GeneratedRegex(@"joins generation 2 with step (?<step>\d+) and", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Joined();

    /// <summary>The same job on one worker, whose coordinator stays.</summary>
    public sealed class QuietRun : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public QuietRun() => Files = ChaosRun.Quiet(Repository.Coordinator, Job(1, 1), _folder["quiet"]);

        internal RunFiles Files { get; }

        public void Dispose() => _folder.Dispose();
    }
}
