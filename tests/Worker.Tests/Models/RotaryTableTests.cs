using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Angles by position; attention alone would not tell, for it sees differences of positions only.</summary>
public sealed class RotaryTableTests
{
    [Fact]
    public void AnglesOf_SamplesEndToEnd_BeginAtPositionZeroInEachAndInThePadding()
    {
        using var scope = torch.NewDisposeScope();
        using var table = new RotaryTable([1f, 0.25f], attentionFactor: 2f, torch.CPU);
        long[] positions = [0, 1, 2, 0, 1, 0, 0];
        var expected = positions.SelectMany(position => new[] { Math.Cos(position), Math.Cos(position * 0.25f), Math.Sin(position), Math.Sin(position * 0.25f) }).Select(value => 2 * (float)value);
        Assert.Equal(expected, table.AnglesOf([3, 2], 7).data<float>().ToArray());
    }
}
