using Orchestrator.Worker.Kernels;

namespace Orchestrator.Worker.Tests.Kernels;

public sealed class KernelParallelTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1001)]
    public void Each_OfAnyCount_RunsEveryItemOnce(int count)
    {
        var runs = new int[count];
        KernelParallel.Each(count, item => Interlocked.Increment(ref runs[item]));
        Assert.All(runs, times => Assert.Equal(1, times));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1001, 400)]
    [InlineData(5, 100)]
    public void For_OfAnyCount_CoversItOnce(long count, long least)
    {
        var runs = new int[count];
        KernelParallel.For(count, least, (from, to) =>
        {
            for (var i = from; i < to; i++)
                Interlocked.Increment(ref runs[i]);
        });
        Assert.All(runs, times => Assert.Equal(1, times));
    }

    /// <summary>A thread that has nothing left of its own range helps with the other's.</summary>
    [Fact]
    public void Each_WithAnItemThatWaits_HasTheRestOfItsRangeRunByTheOtherThread()
    {
        using var helped = new ManualResetEventSlim();
        var seen = false;
        KernelParallel.Each(8, item =>
        {
            if (item == 0)
                seen = helped.Wait(TimeSpan.FromSeconds(30));
            else if (item < 4)
                helped.Set();
        });
        Assert.True(seen);
    }

    [Fact]
    public void Each_WithAFailureInAnItem_ThrowsItAndRunsTheOthers()
    {
        var runs = new int[10];
        var thrown = Assert.Throws<InvalidOperationException>(() => KernelParallel.Each(runs.Length, item =>
        {
            Interlocked.Increment(ref runs[item]);
            if (item == 3)
                throw new InvalidOperationException("three");
        }));
        Assert.Equal("three", thrown.Message);
        Assert.All(runs, times => Assert.Equal(1, times));
    }
}
