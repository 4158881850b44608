using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Tests.Models;

public sealed class RowPaddingTests
{
    [Theory]
    [InlineData(1, 16)]
    [InlineData(16, 16)]
    [InlineData(441, 448)]
    [InlineData(1025, 1056)]
    [InlineData(2048, 2048)]
    [InlineData(2049, 2112)]
    [InlineData(4095, 4096)]
    public void RowsOf_Tokens_AreWholeGranules(int tokens, int rows) => Assert.Equal(rows, RowPadding.RowsOf(tokens));

    [Fact]
    public void RowsOf_AnyTokens_AddAtMostAThirtySecondAndTakeFewValues()
    {
        var seen = new HashSet<int>();
        for (var tokens = 512; tokens <= 8192; tokens++)
        {
            var rows = RowPadding.RowsOf(tokens);
            Assert.InRange(rows, tokens, tokens + (tokens / 32) + 1);
            seen.Add(rows);
        }

        Assert.InRange(seen.Count, 1, 4 * 33);
    }
}
