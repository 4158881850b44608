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
    public void Expected_OfARow_IsShownWithoutSpecialTokens(string row, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("data.jsonl"), row);
        var data = new EvaluationData(Text, DefaultJob.Data, new ModelSpec { VocabSize = 1 << 20 }, GenerationSettings.Greedy(8));
        Assert.Equal(expected, Assert.Single(data.Read(folder.At("data.jsonl"))).Expected);
    }
}
