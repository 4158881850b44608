using System.Collections.Concurrent;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Tests.Adapters;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Checkpoints;

public sealed class CheckpointWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("writer-").FullName;
    private readonly AdapterState _state = AdapterState.Create(AdapterStateTests.Stage(AdapterStateTests.Module(0, 6, 4, 2, 0)), torch.CPU);
    private readonly CancellationTokenSource _ended = new();
    private readonly StageActivity _activity = new();
    private readonly BlockingCollection<StateSaved> _told = [];
    private readonly ConcurrentQueue<Exception> _failures = [];
    private readonly ManualResetEventSlim _disk = new(initialState: true);
    private readonly AdapterHistory _history;
    private readonly CheckpointWriter _writer;

    public CheckpointWriterTests()
    {
        _history = new AdapterHistory(_state.Layout);
        _history.Keep(_state, 1);
        _writer = new CheckpointWriter(_history, new Place(), new JobScope { Job = "a" }, _activity, Tell, _failures.Enqueue, _ended.Token);
    }

    public void Dispose()
    {
        _disk.Set();
        _writer.Written.Wait(TimeSpan.FromSeconds(30));
        _writer.Dispose();
        _history.Dispose();
        _state.Dispose();
        _ended.Dispose();
        _told.Dispose();
        _disk.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Take_OfAStateThatChangesAtOnce_WritesTheBitsOfItsStep()
    {
        var before = _state.Hash();
        Take(2, Of(2));
        using (torch.no_grad())
            _state.Parameters.Add(1);
        var saved = _told.Take(TestContext.Current.CancellationToken);
        StateRestore.Fill(_state, new SavedState { Folder = Of(2), Step = saved.Step, Blobs = { saved.Blobs } });
        Assert.Equal(before, _state.Hash());
    }

    [Fact]
    public async Task Take_OfAStepThatWasTaken_DoesNothing()
    {
        Take(2, Of(2));
        Take(2, Of(2));
        Assert.Equal(2UL, _told.Take(TestContext.Current.CancellationToken).Step);
        await _writer.Written.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Empty(_told);
    }

    /// <summary>While the first write hangs, a second snapshot waits beside it, and the third step that is to be saved waits for the first.</summary>
    [Fact]
    public async Task Take_WhileWritesHang_HoldsTwoSnapshotsAndThenWaitsForTheDisk()
    {
        _disk.Reset();
        Take(2, Of(2));
        Take(4, Of(4));
        var third = Task.Run(() => Take(6, Of(6)), TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => _activity.Text == "step 6: waits for an earlier checkpoint to be written", TimeSpan.FromSeconds(30)));
        Assert.False(third.IsCompleted);
        _disk.Set();
        await third.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal([2UL, 4UL, 6UL], Enumerable.Range(0, 3).Select(_ => _told.Take(TestContext.Current.CancellationToken).Step));
    }

    /// <summary>What is told of a step comes after what is told of an earlier one, so no write begins before the earlier one is over.</summary>
    [Fact]
    public async Task Take_WhileAnEarlierWriteHangs_DoesNotWriteYet()
    {
        _disk.Reset();
        Take(2, Of(2));
        Take(4, Of(4));
        Assert.True(SpinWait.SpinUntil(() => Directory.Exists(Of(2)) && Directory.EnumerateFiles(Of(2), "*.blob").Any(), TimeSpan.FromSeconds(30)));
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.False(Directory.Exists(Of(4)));
    }

    [Fact]
    public async Task Take_WhenTheJobEnds_IsNotWaitedForLonger()
    {
        _disk.Reset();
        Take(2, Of(2));
        Take(4, Of(4));
        var third = Task.Run(() => Take(6, Of(6)), TestContext.Current.CancellationToken);
        await _ended.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        _disk.Set();
        await _writer.Written.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Empty(_failures);
        Assert.False(Directory.Exists(Of(4)));
    }

    [Fact]
    public async Task Take_IntoAFolderThatCannotBe_IsTheJobsFailure()
    {
        File.WriteAllText(Of(2), "a file");
        Take(2, Of(2));
        await _writer.Written.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Matches(@"^The checkpoint of step 2 cannot be written \(.*\); make room .*--resume\.$", Assert.IsType<WorkerFaultException>(Assert.Single(_failures)).Message);
        Assert.Empty(_told);
    }

    // As after the steps up to this one.
    private void Take(ulong step, string folder)
    {
        while (_history.Steps[^1] < step)
            _history.Keep(_state, _history.Steps[^1] + 1);
        _writer.Take(step, folder);
    }

    private string Of(ulong step) => CheckpointFolders.Of(_folder, step);

    private void Tell(WorkerMessage message)
    {
        // A disk that hangs: the write is not over until this returns.
        _disk.Wait(TimeSpan.FromSeconds(60));
        _told.Add(message.StateSaved);
    }
}
