using System.Collections.Concurrent;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Tests.Stages;

public sealed class MicroBatchLanesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Run_EachItemOnce_AndTellsTheCallerInOrder(int lanes)
    {
        using var threads = new MicroBatchLanes(lanes);
        var computed = new ConcurrentBag<int>();
        var told = new List<(int Item, int Thread)>();
        for (var round = 0; round < 50; round++)
        {
            threads.Run(7, item =>
            {
                // The earlier ones take longer.
                Thread.SpinWait(1000 * (7 - item));
                computed.Add(item);
            }, item => told.Add((item, Environment.CurrentManagedThreadId)));
        }

        Assert.Equal(Enumerable.Repeat(Enumerable.Range(0, 7), 50).SelectMany(items => items), told.Select(each => each.Item));
        Assert.All(told, each => Assert.Equal(Environment.CurrentManagedThreadId, each.Thread));
        Assert.All(computed.GroupBy(item => item), items => Assert.Equal(50, items.Count()));
    }

    [Fact]
    public void Run_TwoLanes_ComputeAtTheSameTime()
    {
        using var threads = new MicroBatchLanes(2);
        using var both = new Barrier(2);
        threads.Run(2, _ => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30))), _ => { });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_ItemThatThrows_IsThrownWhenAllLanesAreStillAndNoFurtherOneBegins(int lanes)
    {
        using var threads = new MicroBatchLanes(lanes);
        var (under, begun, told) = (0, 0, new List<int>());
        var failure = Assert.Throws<InvalidDataException>(() => threads.Run(100, item =>
        {
            Interlocked.Increment(ref begun);
            Interlocked.Increment(ref under);
            Thread.Sleep(5);
            Interlocked.Decrement(ref under);
            if (item == 3)
                throw new InvalidDataException("third");
        }, told.Add));

        Assert.Equal(("third", 0), (failure.Message, Volatile.Read(ref under)));
        Assert.InRange(begun, 4, 3 + (2 * lanes));
        Assert.DoesNotContain(3, told);
        threads.Run(2, _ => { }, told.Add);
        Assert.Equal([0, 1], told.TakeLast(2));
    }

    [Fact]
    public void Run_CallerThatThrows_WaitsForWhatIsUnderWay()
    {
        using var threads = new MicroBatchLanes(2);
        var (under, begun) = (0, 0);
        Assert.Throws<InvalidDataException>(() => threads.Run(100, _ =>
        {
            Interlocked.Increment(ref begun);
            Interlocked.Increment(ref under);
            Thread.Sleep(5);
            Interlocked.Decrement(ref under);
        }, _ => throw new InvalidDataException("the first")));
        Assert.Equal(0, Volatile.Read(ref under));
        Assert.InRange(begun, 1, 50);
    }
}
