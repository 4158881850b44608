using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Cli.Generate;

public sealed class PromptRoomTests
{
    private static readonly ModelSpec Model = new() { VocabSize = 10, MaxPositionEmbeddings = 8 };

    [Theory]
    [InlineData(1, 5, 5)]
    [InlineData(3, 5, 5)]
    [InlineData(4, 5, 4)]
    [InlineData(7, 5, 1)]
    public void Fit_APromptInTheModel_LeavesWhatThereIsRoomFor(int prompt, int wanted, int expected) =>
        Assert.Equal(expected, PromptRoom.Fit(new int[prompt], GenerationSettings.Greedy(wanted), Model).MaxNewTokens);

    [Theory]
    [InlineData(new int[0], "no tokens")]
    [InlineData(new[] { 1, 10 }, "token 10")]
    [InlineData(new[] { 1, 1, 1, 1, 1, 1, 1, 1 }, "8 tokens")]
    public void Fit_AnImpossiblePrompt_IsRefusedInASentence(int[] prompt, string part) =>
        Assert.Contains(part, Assert.Throws<InvalidInputException>(() => PromptRoom.Fit(prompt, GenerationSettings.Greedy(1), Model)).Message, StringComparison.Ordinal);
}
