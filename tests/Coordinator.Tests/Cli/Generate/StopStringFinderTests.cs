using Orchestrator.Coordinator.Cli.Generate;

namespace Orchestrator.Coordinator.Tests.Cli.Generate;

public sealed class StopStringFinderTests
{
    [Theory]
    [InlineData("one two STOP three", "STOP", "one two ")]
    [InlineData("one two three", "STOP", "one two three")]
    [InlineData("ends with STO", "STOP", "ends with STO")]
    [InlineData("SSTOSTOP!", "STOP", "SSTO")]
    [InlineData("aabaabaac", "aabaac|zz", "aab")]
    [InlineData("a\n\nUser: b", "\n\nUser:|User", "a\n\n")]
    [InlineData("a\n\nUser: b", "\n\nUser:|User:", "a")]
    [InlineData("x User", "User|\n\nUser:", "x ")]
    [InlineData("STOP at once", "STOP", "")]
    [InlineData("nothing to stop", "", "nothing to stop")]
    public void Add_InEveryCutOfTheText_GivesTheTextBeforeTheFirstStop(string text, string stops, string expected)
    {
        string[] list = stops.Length == 0 ? [] : stops.Split('|');
        for (var size = 1; size <= text.Length; size++)
        {
            var finder = new StopStringFinder(list);
            var shown = string.Concat(text.Chunk(size).Select(piece => finder.Add(new string(piece)))) + finder.Flush();
            Assert.Equal((expected, expected.Length < text.Length), (shown, finder.Found));
        }
    }

    [Fact]
    public void Add_WhatMayBecomeAStop_IsHeldBackAndNoMore()
    {
        var finder = new StopStringFinder(["<end>", "end of it"]);
        Assert.Equal("the ", finder.Add("the <e"));
        Assert.Equal("<", finder.Add("nd of"));
        Assert.Equal("end of a plan", finder.Add(" a plan"));
        Assert.Equal("", finder.Add("<end"));
        Assert.False(finder.Found);
        Assert.Equal("<end", finder.Flush());
    }

    [Fact]
    public void Add_AfterTheStop_GivesNothing()
    {
        var finder = new StopStringFinder(["."]);
        Assert.Equal("a", finder.Add("a.b"));
        Assert.Equal("", finder.Add("c.d"));
        Assert.Equal("", finder.Flush());
    }
}
