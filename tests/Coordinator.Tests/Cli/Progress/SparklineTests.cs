using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Cli.Progress;

namespace Orchestrator.Coordinator.Tests.Cli.Progress;

public sealed class SparklineTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("▁", "3.5")]
    [InlineData("▁▁▁", "2 2 2")]
    [InlineData("▁▂▃▄▅▆▇█", "0 1 2 3 4 5 6 7")]
    [InlineData("█▇▆▅▄▃▂▁", "3.5 3 2.5 2 1.5 1 0.5 0")]
    [InlineData("█▁▅", "10 -10 1")]
    [InlineData("█ ▁ ", "2 NaN 1 Infinity")]
    [InlineData(" ", "NaN")]
    [InlineData("█▁", "1.7976931348623157E+308 -1.7976931348623157E+308")]
    [InlineData("▁▁", "5E-324 0")]
    public void ToString_FewValues_IsABarEach(string expected, string values) => Assert.Equal(
        expected, Of(8, [.. values.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(value => double.Parse(value, CultureInfo.InvariantCulture))]).ToString());

    [Theory]
    [InlineData(8, 8)]
    [InlineData(9, 5)]
    [InlineData(16, 8)]
    [InlineData(17, 5)]
    [InlineData(100_000, 7)]
    public void ToString_MoreValuesThanColumns_FallsFromTheFirstToTheLast(int values, int columns)
    {
        var text = Of(8, [.. Enumerable.Range(0, values).Select(i => -(double)i)]).ToString();
        Assert.Equal(columns, text.Length);
        Assert.Equal(string.Concat(text.OrderDescending()), text);
        Assert.Equal(('█', '▁'), (text[0], text[^1]));
    }

    [Fact]
    public void ToString_Column_IsTheMeanOfItsValuesThatAreNumbers() => Assert.Equal("▁█▄", Of(4, [0, double.NaN, 6, 8, 2, 4]).ToString());

    [Fact]
    public void CanBeShownIn_EncodingWithoutBars_IsFalse()
    {
        Assert.True(Sparkline.CanBeShownIn(Encoding.UTF8));
        Assert.False(Sparkline.CanBeShownIn(Encoding.ASCII));
        Assert.False(Sparkline.CanBeShownIn(Encoding.Latin1));
    }

    private static Sparkline Of(int columns, double[] values)
    {
        var line = new Sparkline(columns);
        foreach (var value in values) line.Add(value);
        return line;
    }
}
