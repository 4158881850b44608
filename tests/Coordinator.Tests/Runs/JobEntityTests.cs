using System.Diagnostics;
using System.Text.Json;
using Akka.Actor;
using Akka.Persistence;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Tests.Clustering;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class JobEntityTests(ITestOutputHelper output) : IDisposable
{
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    private CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_WithWorkersThatObey_SucceedsAndLeavesItsRun()
    {
        var clock = Stopwatch.StartNew();
        await using var node = await TestNode.StartAsync(Folders(_job.Output), new FakeWorkers(4) { WritesBlobs = true });
        output.WriteLine($"started after {clock.ElapsedMilliseconds} ms");
        var reply = await node.Jobs.SubmitAsync(_job.Request("layout={replicas: 2, stages: 2}"), Cancellation);
        output.WriteLine($"submitted after {clock.ElapsedMilliseconds} ms");
        Assert.Empty(reply.Errors);

        var first = await node.WaitAsync(reply.Job, status => status.Step >= 1 || JobStates.HasEnded(status.State));
        output.WriteLine($"first step after {clock.ElapsedMilliseconds} ms");
        var status = await node.WaitAsync(reply.Job, status => JobStates.HasEnded(status.State));
        output.WriteLine($"ended after {clock.ElapsedMilliseconds} ms");

        Assert.Equal("", first.Reason);
        Assert.True(status.State == JobState.Succeeded, status.Reason);
        Assert.Equal(5.0, status.EvalLossBefore);
        Assert.Equal(4, status.Workers.Count);
        Assert.All(status.Workers, worker => Assert.Equal(40UL, worker.MicroBatchesRun));
        var metrics = File.ReadAllLines(Path.Combine(_job.Output, "metrics.jsonl"));
        Assert.Equal(43, metrics.Length);
        Assert.Equal("""{"step":0,"eval_loss":5,"eval_label_tokens":12}""", metrics[0]);
        Assert.Equal(
            ["step", "epoch", "loss", "grad_norm", "learning_rate", "label_tokens", "tokens", "step_seconds", "tokens_per_second", "time"],
            JsonDocument.Parse(metrics[1]).RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ["start", "attach", "attach", "attach", "attach", "checkpoint", "checkpoint", "checkpoint", "checkpoint", "finish"],
            File.ReadAllLines(Path.Combine(_job.Output, "events.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()));
        // The coordinator is still there; what says whose the run was stays, and is empty.
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(_job.Output, "checkpoints"), ".owner-*"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Assert.Single(Directory.EnumerateDirectories(_job.Output, ".owner-*"))));
        Assert.True(File.Exists(Path.Combine(_job.Output, "plan.json")));
        Assert.True(File.Exists(Path.Combine(status.Adapter, "tokenizer.json")));
        Assert.NotEmpty(PeftAdapter.Read(status.Adapter).Tensors.Tensors);
        Assert.Equal([40UL, 30UL, 20UL], new CheckpointStore(Path.Combine(_job.Output, "checkpoints")).Complete().OrderDescending());
    }

    [Fact]
    public async Task Job_ThatIsWrong_IsRefusedWithEveryErrorAndLeavesNothing()
    {
        var folders = Folders(Path.Combine(_job.Folder.Path, "state"));
        await using var node = await TestNode.StartAsync(folders, new FakeWorkers(1) { WritesBlobs = true });

        var reply = await node.Jobs.SubmitAsync(_job.Request("adapter.rank=3", "training.epochs=many"), Cancellation);

        Assert.Equal(2, reply.Errors.Count);
        Assert.False(Directory.Exists(_job.Output));
        Assert.Equal(JobState.Unspecified, (await node.Jobs.GetAsync("job-unknown", Cancellation)).State);
    }

    [Fact]
    public async Task Job_WhoseModelIsMissing_FailsAsInvalidAndLeavesNothing()
    {
        await using var node = await TestNode.StartAsync(Folders(Path.Combine(_job.Folder.Path, "state")), new FakeWorkers(1) { WritesBlobs = true });

        var reply = await node.Jobs.SubmitAsync(_job.Request("model=nowhere"), Cancellation);
        var status = await node.WaitAsync(reply.Job, status => JobStates.HasEnded(status.State));

        Assert.Equal(JobState.Failed, status.State);
        Assert.True(status.Invalid);
        Assert.Matches("nowhere", status.Reason);
        Assert.False(Directory.Exists(_job.Output));
    }

    /// <summary>A run whose files are not whole is none.</summary>
    [Fact]
    public async Task Job_WhoseFilesCannotBeWritten_FailsAndNamesTheFolder()
    {
        Directory.CreateDirectory(Path.Combine(_job.Output, "plan.json"));
        await using var node = await TestNode.StartAsync(Folders(Path.Combine(_job.Folder.Path, "state")), new FakeWorkers(1) { WritesBlobs = true });
        var request = _job.Request();
        request.Resume = true;

        var status = await node.WaitAsync((await node.Jobs.SubmitAsync(request, Cancellation)).Job, status => JobStates.HasEnded(status.State));

        Assert.Equal(JobState.Failed, status.State);
        Assert.StartsWith($"The output folder {_job.Output} cannot be written (", status.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Coordinator_KilledWhileTheJobWaits_GoesOnByItself()
    {
        var first = Folders(Path.Combine(_job.Folder.Path, "first"));
        string job;
        await using (var node = await TestNode.StartAsync(first, new FakeWorkers(0) { WritesBlobs = true }))
        {
            job = (await node.Jobs.SubmitAsync(_job.Request(), Cancellation)).Job;
            await node.WaitAsync(job, status => status.State == JobState.Planning && status.Reason.Length > 0);
            Copy(first.Root, Folders(Path.Combine(_job.Folder.Path, "second")).Root);
        }

        await using var second = await TestNode.StartAsync(Folders(Path.Combine(_job.Folder.Path, "second")), new FakeWorkers(1) { WritesBlobs = true });
        // Nobody asks for the job: it is remembered.
        await UntilAsync(() => File.Exists(Path.Combine(_job.Output, "adapter", "adapter_config.json")));
        Assert.Equal(JobState.Succeeded, (await second.WaitAsync(job, status => JobStates.HasEnded(status.State))).State);
        Assert.Equal(43, File.ReadAllLines(Path.Combine(_job.Output, "metrics.jsonl")).Length);
    }

    [Fact]
    public async Task Coordinator_KilledWhileRunning_ReplaysTheSameStateAndGoesOnByItself()
    {
        var first = Folders(Path.Combine(_job.Folder.Path, "first"));
        var second = Folders(Path.Combine(_job.Folder.Path, "second"));
        string job;
        JobStatus before;
        await using (var node = await TestNode.StartAsync(first, new FakeWorkers(1) { WritesBlobs = true, Alter = (_, report) => report.Step <= 7 ? report : null }))
        {
            job = (await node.Jobs.SubmitAsync(_job.Request(), Cancellation)).Job;
            before = await node.WaitAsync(job, status => status.Step == 7);
            Copy(first.Root, second.Root);
        }

        // Its entity ended with it.
        Assert.False(Directory.Exists(Path.Combine(_job.Output, "checkpoints")));

        await using var restarted = await TestNode.StartAsync(second, new FakeWorkers(1) { WritesBlobs = true });
        var status = await restarted.WaitAsync(job, status => JobStates.HasEnded(status.State));
        var journal = await restarted.System.ActorOf(Props.Create(() => new JournalReader(job))).Ask<List<IJobEvent>>("journal", Cancellation);

        Assert.True(status.State == JobState.Succeeded, status.Reason);
        var owned = journal.FindLastIndex(happened => happened is OwnershipTaken);
        Assert.Equal((ulong)owned + 1, ((OwnershipTaken)journal[owned]).Fence);
        var replayed = journal.Take(owned).Aggregate(JobRecord.Empty, (record, happened) => record.Apply(happened));
        var after = JobReport.Status(replayed, new JobSession { Job = job, Secret = Google.Protobuf.ByteString.Empty });
        before.Workers.Clear();
        after.Workers.Clear();
        Assert.Equal(before, after);
        // The second coordinator's workers know nothing of the job: its steps are made again, and none is published twice.
        Assert.Equal(7UL, journal.OfType<JobPlaced>().Last().StepsRepeated);
        Assert.Equal(Enumerable.Range(1, 40).Select(step => (ulong)step), journal.OfType<StepCommitted>().Select(step => step.Step));
        Assert.Equal(43, File.ReadAllLines(Path.Combine(_job.Output, "metrics.jsonl")).Length);
    }

    /// <summary>A coordinator with another, empty journal, as a killed run's next one has: the output folder alone says where the run stands.</summary>
    [Fact]
    public async Task Run_WhoseCoordinatorAndJournalAreGone_GoesOnFromItsCheckpointAndItsLinesAreWhole()
    {
        await using (var node = await TestNode.StartAsync(Folders(Path.Combine(_job.Folder.Path, "first")), new FakeWorkers(1) { WritesBlobs = true, Alter = (_, report) => report.Step <= 23 ? report : null }))
        {
            var killed = (await node.Jobs.SubmitAsync(_job.Request(), Cancellation)).Job;
            await node.WaitAsync(killed, status => status.Step == 23);
            await UntilAsync(() => File.Exists(Path.Combine(_job.Output, "checkpoints", "step-20", "manifest.json")));
        }

        await using var second = await TestNode.StartAsync(Folders(Path.Combine(_job.Folder.Path, "second")), new FakeWorkers(1) { WritesBlobs = true });
        var request = _job.Request("training.save_steps=16");
        request.Resume = true;
        var job = (await second.Jobs.SubmitAsync(request, Cancellation)).Job;
        var status = await second.WaitAsync(job, status => JobStates.HasEnded(status.State));

        Assert.True(status.State == JobState.Succeeded, status.Reason);
        Assert.Equal(20UL, status.ResumedStep);
        var lines = File.ReadAllLines(Path.Combine(_job.Output, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(Enumerable.Range(1, 40), lines.Where(line => line.TryGetProperty("loss", out _)).Select(line => line.GetProperty("step").GetInt32()));
        Assert.Equal([0, 20, 40], lines.Where(line => line.TryGetProperty("eval_loss", out _)).Select(line => line.GetProperty("step").GetInt32()));
        Assert.Equal([20UL, 32UL, 40UL], new CheckpointStore(Path.Combine(_job.Output, "checkpoints")).Complete().Order());

        request = _job.Request();
        (request.Resume, request.IdempotencyKey) = (true, "again");
        var finished = await second.WaitAsync((await second.Jobs.SubmitAsync(request, Cancellation)).Job, status => JobStates.HasEnded(status.State));
        Assert.Equal((JobState.Succeeded, 5.0), (finished.State, finished.EvalLossBefore));
        Assert.Matches("finished already", finished.Reason);
    }

    [Fact]
    public async Task Cancel_OfAWaitingJob_EndsIt()
    {
        await using var node = await TestNode.StartAsync(Folders(_job.Output), new FakeWorkers(0) { WritesBlobs = true });
        var job = (await node.Jobs.SubmitAsync(_job.Request(), Cancellation)).Job;
        await node.WaitAsync(job, status => status.State == JobState.Planning && status.Reason.Length > 0);

        Assert.Equal(JobState.Cancelled, (await node.Jobs.CancelAsync(job, Cancellation)).State);
        Assert.Equal(JobState.Cancelled, (await node.Jobs.CancelAsync(job, Cancellation)).State);
    }

    private static NodeFolders Folders(string output) => new(output);

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 600 && !condition(); i++)
        {
            await Task.Delay(100, Cancellation);
        }

        Assert.True(condition());
    }

    private sealed class JournalReader : UntypedPersistentActor
    {
        private readonly List<IJobEvent> _events = [];
        private readonly string _job;

        public JournalReader(string job) => _job = job;

        public override string PersistenceId => $"job-{_job}";

        protected override void OnRecover(object message)
        {
            if (message is IJobEvent happened)
            {
                _events.Add(happened);
            }
        }

        protected override void OnCommand(object message) => Sender.Tell(_events);
    }
}
