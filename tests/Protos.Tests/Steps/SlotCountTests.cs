using Orchestrator.Protos.Steps;

namespace Orchestrator.Protos.Tests.Steps;

public sealed class SlotCountTests
{
    [Theory]
    [InlineData(1, 16, 1)]
    [InlineData(7, 16, 4)]
    [InlineData(8, 16, 8)]
    [InlineData(100, 16, 16)]
    [InlineData(100, 1, 1)]
    [InlineData(int.MaxValue, 1 << 30, 1 << 30)]
    public void Of_AnyStep_IsTheLargestPowerOfTwoThatFits(int microBatches, int reductionSlots, int slots) =>
        Assert.Equal(slots, SlotCount.Of(microBatches, reductionSlots));

    [Theory]
    [InlineData(0, 16)]
    [InlineData(8, 0)]
    [InlineData(8, 12)]
    public void Of_NoStepOrNoPowerOfTwo_IsRefused(int microBatches, int reductionSlots) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SlotCount.Of(microBatches, reductionSlots));
}
