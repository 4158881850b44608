using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Tokenizers;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Cli.Generate;

public sealed class AnswerTextTests
{
    // Its vocabulary has no such words and signs, so their characters are several tokens each.
    private const string Said = "naïve 🙂 日本, he said";

    private static readonly Tokenizer Tokenizer = Tokenizer.Open(Path.Combine(Fixtures.Repository, "coordinator", "samples", "tiny-llama"));

    [Fact]
    public void Add_TokenByToken_ShowsWholeCharactersOnly()
    {
        var answer = new AnswerText(Tokenizer, []);
        int[] ids = Tokenizer.Encode(Said, addSpecialTokens: false).Ids;
        List<string> shown = [.. ids.Select((id, i) => answer.Add(Part(i, AnswerEnd.Unspecified, id)))];
        shown.Add(answer.Add(Part(ids.Length, AnswerEnd.Length)));
        Assert.Contains("", shown);
        Assert.All(shown, piece => Assert.DoesNotContain('\uFFFD', piece));
        Assert.Equal((Said, Said, AnswerReason.Length), (string.Concat(shown), answer.Text, answer.Reason));
        Assert.Equal(ids, answer.Ids);
    }

    [Fact]
    public void Add_EndInsideACharacter_ShowsThatItIsBroken()
    {
        var answer = new AnswerText(Tokenizer, []);
        answer.Add(Part(0, AnswerEnd.Length, Tokenizer.Encode("a🙂", addSpecialTokens: false).Ids[..^1]));
        Assert.Equal("a\uFFFD", answer.Text);
    }

    [Theory]
    [InlineData(" 日", "naïve 🙂")]
    [InlineData("本, he", "naïve 🙂 日")]
    [InlineData("naï", "")]
    public void Add_AStopStringAcrossTokens_EndsBeforeItWhereverTheTokensAreCut(string stop, string expected)
    {
        int[] ids = Tokenizer.Encode(Said, addSpecialTokens: false).Ids;
        for (var size = 1; size <= ids.Length; size++)
        {
            var answer = new AnswerText(Tokenizer, ["never said", stop]);
            var shown = "";
            for (var i = 0; i < ids.Length; i += size)
            {
                shown += answer.Add(Part(i, AnswerEnd.Unspecified, ids[i..Math.Min(ids.Length, i + size)]));
                Assert.StartsWith(shown, expected, StringComparison.Ordinal);
            }

            shown += answer.Add(Part(ids.Length, AnswerEnd.Length));
            Assert.Equal((expected, expected, AnswerReason.StopString), (shown, answer.Text, answer.Reason));
            Assert.True(answer.Ids.Count < ids.Length);
        }
    }

    [Fact]
    public void Add_AStopToken_IsAnIdAndNoText()
    {
        // An ordinary word may end an answer, too.
        int[] ids = Tokenizer.Encode("he said", addSpecialTokens: false).Ids;
        var answer = new AnswerText(Tokenizer, []);
        Assert.Equal("he", answer.Add(Part(0, AnswerEnd.StopToken, ids)));
        Assert.Equal(("he", AnswerReason.StopToken), (answer.Text, answer.Reason));
        Assert.Equal(ids, answer.Ids);
    }

    [Fact]
    public void Add_WithoutATokenizer_HasIdsAlone()
    {
        var answer = new AnswerText(null, []);
        Assert.Equal("", answer.Add(Part(0, AnswerEnd.Length, 7, 8)));
        Assert.False(answer.HasText);
        Assert.Equal([7, 8], answer.Ids);
    }

    private static AnswerPart Part(int first, AnswerEnd end, params int[] ids) => new() { RequestId = 1, First = (uint)first, End = end, Tokens = { ids.Select(id => (uint)id) } };
}
