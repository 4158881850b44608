using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Runtime;

public sealed class ComputeThreadTests
{
    [Fact]
    public async Task Run_ManyCallers_AllOnOneThreadInOrder()
    {
        using var compute = new ComputeThread();
        var seen = new List<int>();
        var threads = new HashSet<int>();
        var tasks = Enumerable.Range(0, 100).Select(i => compute.Run(() =>
        {
            seen.Add(i);
            threads.Add(Environment.CurrentManagedThreadId);
            return i;
        })).ToArray();
        Assert.Equal(Enumerable.Range(0, 100), await Task.WhenAll(tasks));
        Assert.Equal(Enumerable.Range(0, 100), seen);
        Assert.Single(threads);
    }

    [Fact]
    public async Task Run_Throwing_FlowsBackAndTheThreadGoesOn()
    {
        using var compute = new ComputeThread();
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => compute.Run<int>(() => throw new InvalidDataException("here")));
        Assert.Equal("here", error.Message);
        Assert.Equal(7, await compute.Run(() => 7));
    }

    [Fact]
    public async Task Run_OnTheThreadItself_RunsAtOnce()
    {
        using var compute = new ComputeThread();
        Assert.Equal(5, await compute.Run(() => compute.Run(() => 5).GetAwaiter().GetResult()));
    }

    [Fact]
    public async Task Run_CancelledBeforeItBegan_DoesNotRun()
    {
        using var compute = new ComputeThread();
        using var cancelled = new CancellationTokenSource();
        using var gate = new ManualResetEventSlim();
        var first = compute.Run(() => gate.Wait(TestContext.Current.CancellationToken));
        var second = compute.Run(() => 1, cancelled.Token);
        await cancelled.CancelAsync();
        gate.Set();
        await first;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }

    [Fact]
    public async Task Initialize_RunsFirstOnTheThread()
    {
        var thread = 0;
        using var compute = new ComputeThread(() => thread = Environment.CurrentManagedThreadId);
        Assert.Equal(await compute.Run(() => Environment.CurrentManagedThreadId), thread);
    }
}
