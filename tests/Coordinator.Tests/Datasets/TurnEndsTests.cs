using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>How learned stretches end. Token 9 ends a turn, 0 is white space, N carries no loss.</summary>
public sealed class TurnEndsTests
{
    private const int N = TokensRow.NoLoss;

    [Theory]
    [InlineData("5 9", "5 9", "1 1 0 0")]
    [InlineData("5 9 0 0 0", "5 9 0 0 0", "1 1 0 0")]
    [InlineData("5 9 0 0 0 0 0 0 0 0", "5 9 0 0 0 0 0 0 0 0", "1 1 0 0")]
    [InlineData("5 9 0 0 0 0 0 0 0 0 0", "5 9 0 0 0 0 0 0 0 0 0", "1 0 0 1")]
    [InlineData("5 9", "5 N", "1 0 1 0")]
    [InlineData("5 0 9", "5 0 N", "1 0 1 0")]
    [InlineData("5 6", "5 6", "1 0 0 1")]
    [InlineData("9 0", "N 0", "1 0 0 1")]
    [InlineData("5 9 6 5 6", "5 9 N 5 N", "2 1 0 1")]
    public void Observe_OfAStretch_TellsHowItEnds(string ids, string labels, string expected)
    {
        var statistics = new SampleStatistics();
        new TurnEnds(id => id == 9, id => id == 0 ? "\n" : "x").Observe(Numbers(ids), Numbers(labels), statistics);
        Assert.Equal(expected, $"{statistics.Turns} {statistics.EndTokens.GetValueOrDefault(9)} {statistics.EndsWithoutLoss} {statistics.TurnsWithoutEnd}");
    }

    private static int[] Numbers(string text) => [.. text.Split(' ').Select(number => number == "N" ? N : int.Parse(number, System.Globalization.CultureInfo.InvariantCulture))];
}
