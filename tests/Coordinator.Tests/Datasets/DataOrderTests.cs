using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Every sample exactly once an epoch, whatever the sizes.</summary>
public class DataOrderTests
{
    [Property]
    public bool Shuffled_EveryEpoch_HasEverySampleOnce(PositiveInt samples, PositiveInt batch, ulong seed, byte epoch)
    {
        var order = new DataOrder(samples.Get, batch.Get, seed, shuffle: true);
        var steps = order.StepsOf(1);
        var taken = Enumerable.Range(1, (int)steps).SelectMany(step => order.SamplesOf((epoch * steps) + (ulong)step)).ToList();
        return steps == (ulong)((samples.Get + batch.Get - 1) / batch.Get)
            && taken.Order().SequenceEqual(Enumerable.Range(0, samples.Get))
            && order.TakenAfter((epoch + 1UL) * steps) == (epoch + 1UL) * (ulong)samples.Get;
    }

    [Property]
    public bool FileOrder_StepS_TakesItsRangeWrapping(PositiveInt samples, PositiveInt batch, byte step)
    {
        var order = new DataOrder(samples.Get, batch.Get, 0, shuffle: false);
        var expected = Enumerable.Range(step * batch.Get, batch.Get).Select(position => position % samples.Get);
        return order.SamplesOf(step + 1UL).SequenceEqual(expected);
    }

    [Theory]
    [InlineData(10, 4, 1, false, 3)]
    [InlineData(10, 4, 2, false, 5)]
    [InlineData(10, 4, 1, true, 3)]
    [InlineData(10, 4, 2, true, 6)]
    [InlineData(10, 4, 0.5, true, 2)]
    [InlineData(10, 4, 0.5, false, 2)]
    [InlineData(2000, 16, 4, true, 500)]
    public void StepsOf_Epochs_CountsShortBatches(int samples, int batch, double epochs, bool shuffle, int expected)
        => Assert.Equal((ulong)expected, new DataOrder(samples, batch, 1, shuffle).StepsOf(epochs));

    [Fact]
    public void FileOrder_WithAnEnd_CutsTheLastStepShort()
    {
        var order = new DataOrder(10, 4, 0, shuffle: false);
        Assert.Equal([8, 9, 0, 1], order.SamplesOf(3, end: 20));
        Assert.Equal([8, 9], order.SamplesOf(3, end: 10));
        Assert.Equal(10UL, order.TakenAfter(3, end: 10));
    }

    [Fact]
    public void Permutation_OfSeedAndEpoch_IsFixedForever()
    {
        Assert.Equal([6, 0, 7, 2, 5, 1, 3, 4], DataOrder.Permutation(8, 42, 0));
        Assert.NotEqual(DataOrder.Permutation(100, 42, 0), DataOrder.Permutation(100, 42, 1));
        Assert.NotEqual(DataOrder.Permutation(100, 42, 0), DataOrder.Permutation(100, 43, 0));
    }

    [Fact]
    public void Permutation_OverManyEpochs_PutsEverySampleEverywhere()
    {
        var counts = new int[5, 5];
        for (var epoch = 0UL; epoch < 5000; epoch++)
        {
            var order = DataOrder.Permutation(5, 7, epoch);
            for (var place = 0; place < 5; place++)
            {
                counts[place, order[place]]++;
            }
        }

        Assert.All(counts.Cast<int>(), count => Assert.InRange(count, 850, 1150));
    }
}
