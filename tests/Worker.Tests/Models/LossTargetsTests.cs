using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Which positions predict a label: never one of another sample, though the samples of a part lie end to end.</summary>
public sealed class LossTargetsTests
{
    private const int None = MicroBatchTokens.NoLabel;

    // Samples of 3, 1 and 2 tokens; each begins with a label, as a text whose every token carries loss.
    private static readonly MicroBatchTokens Part = new([4, 5, 6], [3, 1, 2], [10, 11, 12, 20, 30, 31], [10, None, 12, 20, 30, 31], packed: true);

    [Fact]
    public void Of_SamplesEndToEnd_LeavesTheirFirstLabelsOut()
    {
        var targets = LossTargets.Of(Part);

        Assert.Equal([1L, 4L], targets.Positions);
        Assert.Equal([12, 31], targets.Labels);
        Assert.Equal([1, 0, 1], targets.PerSample);
    }
}
