using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Models;
using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Biases of every linear layer, and the families' gradients: against the same model in plain operations and against finite differences.</summary>
public sealed class FamilyTests
{
    private static readonly string[] Linears = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void LogitsAndGradients_WithBiases_EqualThePlainModel(bool attention, bool mlp)
    {
        using var model = Biased(attention, mlp);
        using var stage = Adapted(model.Folder, Weights.Sixteen);
        using var plain = new PlainLlama(model.Folder, stage);
        AssertEqual(stage, plain, 11, 5, 17);
    }

    [Theory]
    [InlineData("qwen2")]
    [InlineData("llama")]
    public void LogitsAndGradients_OfAFamily_EqualThePlainModel(string name)
    {
        var folder = GoldenFiles.Model(name);
        using var stage = Adapted(folder, Weights.Sixteen);
        using var plain = new PlainLlama(folder, stage);
        AssertEqual(stage, plain, 11, 5, 17);
    }

    /// <summary>A sample of several blocks of queries beside a short one: heads of <see cref="VectorAttention"/>, and narrower ones that it does not take.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void LogitsAndGradients_OfALongSample_EqualThePlainModel(int heads)
    {
        using var model = new RandomModel(hidden: 64, inner: 96, layers: 2, heads, vocabulary: 256, new RandomTraits(KeyValueHeads: 2, Spread: 0.4));
        using var stage = Adapted(model.Folder, Weights.Sixteen, attentionBlock: 512);
        using var plain = new PlainLlama(model.Folder, stage);
        AssertEqual(stage, plain, 600, 5);
    }

    [Theory]
    [InlineData("mistral")]
    [InlineData("qwen2")]
    public void Gradients_OfAFamily_EqualFiniteDifferences(string name)
    {
        using var stage = Adapted(GoldenFiles.Model(name), Weights.Nf4Double);
        StageRunTests.AssertEqualFiniteDifferences(stage, StageRunTests.Batch(packed: true));
    }

    [Fact]
    public void Gradients_WithBiases_EqualFiniteDifferences()
    {
        using var model = Biased(attention: true, mlp: true);
        using var stage = Adapted(model.Folder, Weights.Nf4Double);
        StageRunTests.AssertEqualFiniteDifferences(stage, StageRunTests.Batch(packed: true));
    }

    /// <summary>The test of the tests above: a bias that were left out would be seen.</summary>
    [Fact]
    public void Logits_WithoutOneBias_DifferByFarMoreThanIsAllowed()
    {
        using var model = Biased(attention: true, mlp: true);
        using var stage = Adapted(model.Folder, Weights.Sixteen);
        int[] ids = [5, 9, 100, 42, 7];
        var own = stage.Logits(new MicroBatchTokens([0], [ids.Length], ids, ids, packed: true));
        foreach (var linear in Linears)
        {
            using var plain = new PlainLlama(model.Folder, stage, tensor => tensor.EndsWith($"{linear}.bias", StringComparison.Ordinal));
            Assert.True(own.Zip(plain.Logits(ids), (a, b) => Math.Abs(a - b)).Max() > 1e-2, $"{linear}'s bias makes no difference");
        }
    }

    private static RandomModel Biased(bool attention, bool mlp) =>
        new(hidden: 64, inner: 96, layers: 2, heads: 4, vocabulary: 256, new RandomTraits(KeyValueHeads: 2, attention, mlp, Spread: 0.4));

    /// <summary>All linear layers adapted, B away from zero.</summary>
    private static LoadedStage Adapted(ModelFolder folder, Weights weights, uint attentionBlock = 8)
    {
        var adapter = TargetModules.Resolve(folder.Spec, new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ModuleSelector.AllLinear });
        var stage = new LoadedStage(GoldenFiles.Stage(folder, weights, adapter, attentionBlock: attentionBlock));
        StageRunTests.StartB(stage);
        return stage;
    }

    private static void AssertEqual(LoadedStage stage, PlainLlama plain, params int[] lengths)
    {
        var batch = StageRunTests.Batch(packed: true, lengths);
        var expected = new List<float>();
        var loss = 0.0;
        foreach (var sample in StageRunTests.Batch(packed: false, lengths).Parts())
        {
            expected.AddRange(plain.Logits(sample.InputIds));
            loss += plain.AddGradients(sample.InputIds, sample.Labels);
        }

        GoldenModelTests.AssertClose([.. expected], stage.Logits(batch), 1e-4f);
        var (gradient, lossSum) = stage.Gradients(batch, 1f);
        Assert.InRange(Math.Abs((lossSum / loss) - 1), 0, 1e-5);
        foreach (var parameter in stage.Adapter.Layout.Parameters)
        {
            var wanted = plain.Gradient(parameter.Module.Module, parameter.IsA);
            GoldenModelTests.AssertClose(wanted, gradient.AsSpan((int)parameter.Offset, (int)parameter.Length), 5e-5f * wanted.Max(Math.Abs));
        }
    }
}
