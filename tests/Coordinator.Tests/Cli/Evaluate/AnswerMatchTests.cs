using Orchestrator.Coordinator.Cli.Evaluate;

namespace Orchestrator.Coordinator.Tests.Cli.Evaluate;

public sealed class AnswerMatchTests
{
    [Theory]
    [InlineData("yes", " yes\n", true, true)]
    [InlineData("yes", "Yes", false, false)]
    [InlineData("", "  ", true, true)]
    [InlineData("""{"a": 1, "b": [true, null]}""", """{"b":[true,null],"a":1}""", false, true)]
    [InlineData("""{"a": 1}""", """{"a": 1.0}""", false, true)]
    [InlineData("""{"a": 1}""", """{"a": "1"}""", false, false)]
    [InlineData("""[1, 2]""", """[2, 1]""", false, false)]
    [InlineData("""{"a": 1}""", """{"a": 1, "b": 2}""", false, false)]
    [InlineData("""{"a": 1}""", """{"a": 1} and more""", false, false)]
    [InlineData("""{"a": 1}""", """{"a": """, false, false)]
    [InlineData("""{"a": 1}""", "", false, false)]
    [InlineData("""{"a": "x"}""", """{"a": "\ud800"}""", false, false)]
    [InlineData("""{"a": "\ud83d"}""", """{"a":"\ud800"}""", false, false)]
    [InlineData("""{"a": 1}""", """{"\udfff": 1}""", false, false)]
    [InlineData("""{"a": 1}""", """{"a": 1e99999999999}""", false, false)]
    [InlineData("""{"a": "\ud800"}""", """{"a": "\ud800"}""", true, true)]
    [InlineData("no JSON", "no JSON", true, true)]
    [InlineData("no JSON", """{"a": 1}""", false, false)]
    public void Matches_BothWays_AsSaid(string expected, string answer, bool exact, bool json) =>
        Assert.Equal((exact, json), (AnswerMatch.Exact.Matches(expected, answer), AnswerMatch.Json.Matches(expected, answer)));
}
