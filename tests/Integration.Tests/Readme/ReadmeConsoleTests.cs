namespace Orchestrator.Integration.Tests.Readme;

/// <summary>The comparison itself: it must be able to fail.</summary>
public sealed class ReadmeConsoleTests
{
    [Fact]
    public void Steps_ConsoleBlocks_AreCommandsWithTheirOutput()
    {
        var steps = ReadmeConsole.Steps("text\n```sh\n$ not this\n```\n```console\n$ one two\na\nb\n$ three\n```\nmore\n");
        Assert.Equal(["one two", "three"], steps.Select(step => step.Command));
        Assert.Equal(["a", "b"], steps[0].Output);
        Assert.Equal(6, steps[0].Line);
        Assert.Empty(steps[1].Output);
    }

    [Theory]
    [InlineData("a|b", "a|b")]
    [InlineData("…|b", "x|y|b")]
    [InlineData("a|…", "a|x|y")]
    [InlineData("a|…", "a")]
    [InlineData("loss 5.6763 before, 0.0450 after", "loss 5.6771 before, 0.0446 after")]
    [InlineData("rate 0.95: 190 of 200 answers match (exact)", "rate 0.94: 188 of 200 answers match (exact)")]
    [InlineData("speed 4,242 tokens/s in 1:40 min", "speed 13.5 tokens/s in 0:59 min")]
    public void Difference_WhatIsShown_IsNone(string shown, string printed) => Assert.Null(ReadmeConsole.Difference(shown.Split('|'), printed.Split('|')));

    [Theory]
    [InlineData("a|b", "a")]
    [InlineData("a", "a|b")]
    [InlineData("a", "b")]
    [InlineData("…|b", "x|y")]
    [InlineData("loss 0.0446", "loss 0.0546")]
    [InlineData("rate 0.95: 190 of 200 answers match (exact)", "rate 0.85: 170 of 200 answers match (exact)")]
    [InlineData("rate 0.95: 190 of 200 answers match (exact)", "rate 0.95: 190 of 100 answers match (exact)")]
    [InlineData("7 tokens/s", "7 tokens")]
    public void Difference_SomethingElse_IsSaid(string shown, string printed) => Assert.NotNull(ReadmeConsole.Difference(shown.Split('|'), printed.Split('|')));
}
