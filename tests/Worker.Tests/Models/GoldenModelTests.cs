using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Logits, losses and hidden states of the reference's models, within its tolerances (1e-4 absolute, loss 1e-5 relative).</summary>
public sealed class GoldenModelTests
{
    private const float Tolerance = 1e-4f;

    private static readonly int[] PackedLengths = [7, 12, 9];

    public static TheoryData<string, Weights> Cases()
    {
        var data = new TheoryData<string, Weights>();
        foreach (var model in (string[])["llama", "llama3", "tinyllama-linear", "mistral", "qwen2"])
        {
            foreach (var weights in Enum.GetValues<Weights>())
            {
                data.Add(model, weights);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_OfEachSequence_EqualTheReference(string model, Weights weights)
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model(model), weights));
        var expected = GoldenFiles.Expected("models", model);
        for (var i = 0; i < 2; i++)
        {
            AssertClose(GoldenFiles.Floats(expected, $"{Name(weights)}_{i}"), stage.Logits(Alone(GoldenFiles.Integers(expected, $"input_ids_{i}"))), Tolerance);
        }
    }

    [Theory]
    [InlineData("llama", true)]
    [InlineData("llama", false)]
    [InlineData("llama3", true)]
    [InlineData("llama3", false)]
    [InlineData("tinyllama-linear", true)]
    [InlineData("tinyllama-linear", false)]
    [InlineData("mistral", true)]
    [InlineData("mistral", false)]
    [InlineData("qwen2", true)]
    [InlineData("qwen2", false)]
    public void Logits_OfPackedSamples_EqualEachAlone(string model, bool packed)
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model(model), Weights.Sixteen));
        var expected = GoldenFiles.Expected("models", model);
        var ids = GoldenFiles.Integers(expected, "packed_input_ids");
        var logits = stage.Logits(new MicroBatchTokens([0, 1, 2], PackedLengths, ids, ids, packed));
        AssertClose([.. Enumerable.Range(0, 3).SelectMany(k => GoldenFiles.Floats(expected, $"packed_separate_logits_{k}"))], logits, Tolerance);
    }

    [Theory]
    [InlineData("llama3")]
    public void HiddenStates_OfEveryLayer_EqualTheReference(string model)
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model(model), Weights.Sixteen));
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var expected = GoldenFiles.Expected("models", model);
        var batch = Alone(GoldenFiles.Integers(expected, "input_ids_1"));
        for (var layer = 0; layer <= stage.Model.Layers.Count; layer++)
        {
            var hidden = stage.Model.ForwardOnly(batch, null, layer);
            var seen = layer == stage.Model.Layers.Count ? stage.Model.Head!.Norm.Forward(hidden) : hidden;
            AssertClose(GoldenFiles.Floats(expected, $"hidden_1_{layer}"), seen.data<float>().ToArray(), Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Evaluate_OnAllLabels_SumsTheLogitsCrossEntropy(string model, Weights weights)
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model(model), weights));
        var expected = GoldenFiles.Expected("models", model);
        var ids = GoldenFiles.Integers(expected, "input_ids_0");
        var loss = Assert.Single(stage.Model.Evaluate(Alone(ids), null, withLogProbabilities: true).Samples);
        var logits = GoldenFiles.Floats(expected, $"{Name(weights)}_0");
        var vocabulary = logits.Length / ids.Length;
        var wanted = Enumerable.Range(1, ids.Length - 1).Select(i => LogProbability(logits.AsSpan((i - 1) * vocabulary, vocabulary), ids[i])).ToArray();
        Assert.Equal((ulong)ids.Length - 1, loss.LabelTokens);
        Assert.InRange(Math.Abs((loss.LossSum / -wanted.Sum()) - 1), 0, 1e-5);
        for (var i = 0; i < wanted.Length; i++)
        {
            Assert.InRange(Math.Abs(loss.LogProbabilities![i] - wanted[i]), 0, 2e-4);
        }
    }

    [Fact]
    public void Evaluate_WithoutUsedLabels_IsZero()
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        var batch = new MicroBatchTokens([3], [4], [1, 2, 3, 4], [7, -100, -100, -100], packed: true);
        var loss = Assert.Single(stage.Model.Evaluate(batch, null).Samples);
        Assert.Equal((3U, 0.0, 0UL), (loss.Sample, loss.LossSum, loss.LabelTokens));
    }

    [Fact]
    public void Evaluate_SamplesEndToEnd_GivesEachItsOwnLoss()
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        var together = stage.Model.Evaluate(new MicroBatchTokens([3, 4, 5], [4, 1, 3], [1, 2, 3, 4, 5, 6, 7, 8], [-100, 2, 3, -100, 5, 6, 7, 8], packed: true), null).Samples;
        var first = Assert.Single(stage.Model.Evaluate(new MicroBatchTokens([3], [4], [1, 2, 3, 4], [-100, 2, 3, -100], packed: true), null).Samples);
        var last = Assert.Single(stage.Model.Evaluate(new MicroBatchTokens([5], [3], [6, 7, 8], [6, 7, 8], packed: true), null).Samples);

        Assert.Equal([(3U, 2UL), (4U, 0UL), (5U, 2UL)], together.Select(sample => (sample.Sample, sample.LabelTokens)));
        Assert.Equal(first.LossSum, together[0].LossSum, 1e-4);
        Assert.Equal(0.0, together[1].LossSum);
        Assert.Equal(last.LossSum, together[2].LossSum, 1e-4);
        Assert.NotEqual(first.LossSum, last.LossSum, 1e-2);
    }

    internal static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var worst = 0f;
        for (var i = 0; i < expected.Length; i++)
        {
            worst = Math.Max(worst, float.IsNaN(actual[i]) ? float.PositiveInfinity : Math.Abs(expected[i] - actual[i]));
        }

        Assert.True(worst <= tolerance, $"largest difference {worst}, allowed {tolerance}");
    }

    private static double LogProbability(ReadOnlySpan<float> logits, int label)
    {
        var sum = 0.0;
        foreach (var value in logits)
        {
            sum += Math.Exp(value);
        }

        return logits[label] - Math.Log(sum);
    }

    private static MicroBatchTokens Alone(int[] ids) => new([0], [ids.Length], ids, ids, packed: true);

    private static string Name(Weights weights) => weights switch
    {
        Weights.Nf4 => "logits_nf4",
        Weights.Nf4Double => "logits_nf4_double",
        _ => "logits",
    };
}
