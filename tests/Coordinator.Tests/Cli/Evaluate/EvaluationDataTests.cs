using Orchestrator.Coordinator.Cli.Evaluate;
using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Tests.Datasets;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Cli.Evaluate;

/// <summary>What rows expect as the answer: what a model shows that learned them.</summary>
public sealed class EvaluationDataTests
{
    private static readonly PromptEncoder Text = PromptEncoder.Open(GoldenDatasets.Model("qwen2_chatml"), DefaultJob.Data);

    [Theory]
    [InlineData("""{"prompt":"2+2=","completion":" 4<|im_end|>"}""", "4")]
    [InlineData("""{"prompt":"2+2=","completion":" 4<|im_end|>\n"}""", "4")]
    [InlineData("""{"prompt":"2+2=","completion":" 4"}""", "4")]
    [InlineData("""{"prompt":"a","completion":" é  <b> 🦩 \n"}""", "é  <b> 🦩")]
    [InlineData("""{"instruction":"2+2=","output":"4<|im_end|>"}""", "4")]
    [InlineData("""{"messages":[{"role":"user","content":"2+2="},{"role":"assistant","content":"4<|im_end|>"}]}""", "4")]
    [InlineData("""{"input_ids":[17,10,17,28,19,1402],"labels":[-100,-100,-100,-100,19,1402]}""", "4")]
    public void Expected_OfARow_IsShownWithoutSpecialTokens(string row, string expected) => Assert.Equal(expected, Expected(Text, row));

    /// <summary>An end token need not be a special one: a model that stops at it does not show it.</summary>
    [Theory]
    [InlineData("""{"prompt":"2+2=","completion":"4."}""", "4")]
    [InlineData("""{"prompt":"2+2=","completion":"4.5"}""", "4.5")]
    public void Expected_OfARowThatEndsWithAnEndToken_IsWithoutIt(string row, string expected)
    {
        using var folder = new TemporaryFolder();
        var model = folder.CopyOf(GoldenDatasets.Model("qwen2_chatml"));
        File.WriteAllText(Path.Combine(model, "generation_config.json"), """{"eos_token_id":13}""");
        Assert.Equal(expected, Expected(PromptEncoder.Open(model, DefaultJob.Data), row));
    }

    [Fact]
    public void Read_SeveralRowsThatAreWrong_NamesEach()
    {
        using var folder = new TemporaryFolder();
        var file = folder.At("data.jsonl");
        File.WriteAllText(file, """
            {"messages": [
            {"messages":[{"role":"user","content":"2+2="},{"role":"assistant","content":"4"}]}
            {"messages":[{"role":"user","content":"2+2="}]}
            {"messages":[{"role":"robot","content":"2+2="},{"role":"assistant","content":"4"}]}
            """);
        var data = new EvaluationData(Text, DefaultJob.Data, new ModelSpec { VocabSize = 1 << 20 }, GenerationSettings.Greedy(8));
        var told = Assert.Throws<InvalidInputException>(() => data.Read(file)).Message.Split('\n');
        Assert.Equal(3, told.Length);
        Assert.StartsWith($"{file}, line 1: it is not valid JSON", told[0], StringComparison.Ordinal);
        Assert.StartsWith($"{file}, line 3: no message is the assistant's", told[1], StringComparison.Ordinal);
        Assert.StartsWith($"{file}, line 4: message 1 has the role 'robot'", told[2], StringComparison.Ordinal);
    }

    private static string Expected(PromptEncoder text, string row)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), row);
        var data = new EvaluationData(text, DefaultJob.Data, new ModelSpec { VocabSize = 1 << 20 }, GenerationSettings.Greedy(8));
        return Assert.Single(data.Read(folder.At("data.jsonl"))).Expected;
    }
}
