using Orchestrator.Coordinator.Adapters;
using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Bits that must not depend on cuts and recomputation, and gradients against finite differences.</summary>
public sealed class StageRunTests
{
    private const string Model = "tinyllama-linear";

    private static readonly int[] Short = [11, 5, 17];

    // Several blocks of queries; in bf16 more tokens than VectorAttention takes, so that the other attention runs in the graph.
    private static readonly int[] Long = [300, 5];

    public static TheoryData<Weights, DType, bool, int[]> Settings()
    {
        var data = new TheoryData<Weights, DType, bool, int[]>();
        foreach (var lengths in (int[][])[Short, Long])
        {
            data.Add(Weights.Nf4Double, DType.F32, true, lengths);
            data.Add(Weights.Nf4, DType.Bf16, true, lengths);
            data.Add(Weights.Sixteen, DType.Bf16, false, lengths);
            data.Add(Weights.Sixteen, DType.F32, false, lengths);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Bits_WithACutAfterEveryLayer_AreThoseOfOneStage(Weights weights, DType dtype, bool packed, int[] lengths)
    {
        var batch = Batch(packed, lengths);
        var layers = GoldenFiles.Model(Model).Spec.NumLayers;
        var whole = Run([Stage(weights, dtype, 0, layers - 1)], batch);
        var cut = Run([.. Enumerable.Range(0, (int)layers).Select(layer => Stage(weights, dtype, (uint)layer, (uint)layer))], batch);
        AssertSameBits(whole, cut);
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Bits_WithRecomputation_AreThoseWithout(Weights weights, DType dtype, bool packed, int[] lengths)
    {
        var batch = Batch(packed, lengths);
        var layers = GoldenFiles.Model(Model).Spec.NumLayers;
        var none = Run([Stage(weights, dtype, 0, layers - 1)], batch);
        var full = Run([Stage(weights, dtype, 0, layers - 1, Recompute.Full)], batch);
        AssertSameBits(none, full);
    }

    [Fact]
    public void Bits_OfInterleavedRuns_AreThoseOneAfterTheOther()
    {
        using var stage = new LoadedStage(Stage(Weights.Nf4, DType.F32, 0, 2));
        var batch = Batch(packed: true);
        var (first, second) = (stage.Gradients(batch, 0.1f, 1, 0).Gradient, stage.Gradients(batch, 0.1f, 1, 1).Gradient);
        using var a = stage.Model.BeginTraining(batch, 1, 0, 0.1f);
        using var b = stage.Model.BeginTraining(batch, 1, 1, 0.1f);
        using var gradientA = stage.Adapter.NewGradient();
        using var gradientB = stage.Adapter.NewGradient();
        a.Forward(null);
        b.Forward(null);
        a.Backward(null, gradientA);
        b.Backward(null, gradientB);
        Assert.Equal(first, LoadedStage.Rounded(gradientA));
        Assert.Equal(second, LoadedStage.Rounded(gradientB));
        Assert.NotEqual(first, second);
    }

    /// <summary>Dropout is of training alone: the same adapter without it evaluates to the same, and trains to another loss.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Evaluate_WithDropout_DropsNothing(bool packed)
    {
        using var dropping = new LoadedStage(Stage(Weights.Nf4, DType.F32, 0, 2));
        var spec = Stage(Weights.Nf4, DType.F32, 0, 2);
        spec.Adapter.ToList().ForEach(module => module.Dropout = 0);
        using var plain = new LoadedStage(spec);
        StartB(dropping);
        StartB(plain);
        var batch = Batch(packed);

        var expected = plain.Model.Evaluate(batch, null).Samples;
        var dropped = dropping.Model.Evaluate(batch, null).Samples;
        Assert.All(expected.Zip(dropped, (own, other) => own.LossSum - other.LossSum), difference => Assert.InRange(difference, -1e-3, 1e-3));
        Assert.NotEqual(expected.Sum(sample => sample.LossSum), LossSum(dropping, batch), 0.1);
    }

    [Theory]
    [InlineData(11, 5, 17)]
    [InlineData(300, 5)]
    public void Gradients_OfEveryModule_EqualFiniteDifferences(params int[] lengths)
    {
        using var stage = new LoadedStage(Stage(Weights.Nf4, DType.F32, 0, 2));
        StartB(stage);
        AssertEqualFiniteDifferences(stage, Batch(packed: true, lengths));
    }

    [Fact]
    public void Forward_WithoutUsedLabels_GivesZeroGradients()
    {
        using var stage = new LoadedStage(Stage(Weights.Sixteen, DType.F32, 0, 2));
        var (gradient, loss) = stage.Gradients(new MicroBatchTokens([0], [3], [1, 2, 3], [-100, -100, -100], packed: true), 1f);
        Assert.Equal(0, loss);
        Assert.All(gradient, value => Assert.Equal(0f, value));
    }

    [Fact]
    public void Backward_WithAFailureInside_ThrowsIt()
    {
        using var stage = new LoadedStage(Stage(Weights.Sixteen, DType.F32, 1, 1));
        using var input = torch.rand(4, stage.Model.Spec.Model.HiddenSize);
        using var gradient = stage.Adapter.NewGradient();
        using var run = stage.Model.BeginTraining(new MicroBatchTokens([0], [4], [1, 2, 3, 4], [1, 2, 3, 4], packed: true), 1, 0, 1f);
        using var output = run.Forward(input);
        stage.Model.Dispose();
        Assert.ThrowsAny<Exception>(() => run.Backward(output, gradient));
    }

    /// <summary>Moves the element with the largest gradient of every parameter, and holds the loss's change against it.</summary>
    internal static void AssertEqualFiniteDifferences(LoadedStage stage, MicroBatchTokens batch)
    {
        var (gradient, _) = stage.Gradients(batch, 1f);
        var parameters = stage.Adapter.Parameters;
        foreach (var parameter in stage.Adapter.Layout.Parameters)
        {
            var own = gradient.AsSpan((int)parameter.Offset, (int)parameter.Length);
            var largest = 0;
            for (var i = 1; i < own.Length; i++)
            {
                largest = Math.Abs(own[i]) > Math.Abs(own[largest]) ? i : largest;
            }

            using var noGrad = torch.no_grad();
            using var element = parameters.narrow(0, parameter.Offset + largest, 1);
            const float Step = 2e-3f;
            element.Add(Step);
            var above = LossSum(stage, batch);
            element.Add(-2 * Step);
            var below = LossSum(stage, batch);
            element.Add(Step);
            Assert.InRange((above - below) / (2 * Step) / own[largest], 0.97, 1.03);
        }
    }

    private static StageSpec Stage(Weights weights, DType dtype, uint first, uint last, Recompute recompute = Recompute.None)
    {
        var folder = GoldenFiles.Model(Model);
        var adapter = TargetModules.Resolve(folder.Spec, new LoraConfig { Rank = 4, Alpha = 8, Dropout = 0.1, TargetModules = ModuleSelector.AllLinear });
        var spec = GoldenFiles.Stage(folder, weights, adapter, recompute, first, last);
        spec.Constants.ComputeDtype = dtype;
        return spec;
    }

    /// <summary>One micro-batch through stages one after the other, B started away from zero by its module.</summary>
    private static (float[] Gradient, double Loss) Run(StageSpec[] specs, MicroBatchTokens batch)
    {
        var stages = specs.Select(spec => new LoadedStage(spec)).ToArray();
        stages.ToList().ForEach(StartB);
        var runs = stages.Select(stage => stage.Model.BeginTraining(batch, 3, 2, 0.05f)).ToArray();
        torch.Tensor? x = null;
        foreach (var run in runs)
        {
            x = run.Forward(x);
        }

        var gradients = stages.Select(stage => stage.Adapter.NewGradient()).ToArray();
        for (var i = runs.Length - 1; i >= 0; i--)
        {
            x = runs[i].Backward(x, gradients[i]);
        }

        var parts = new List<float>();
        for (var i = 0; i < stages.Length; i++)
        {
            var flat = LoadedStage.Rounded(gradients[i]);
            foreach (var parameter in stages[i].Adapter.Layout.Parameters)
            {
                parts.AddRange(flat.AsSpan((int)parameter.Offset, (int)parameter.Length));
            }
        }

        var result = (parts.ToArray(), runs[^1].LossSum);
        Array.ForEach(runs, run => run.Dispose());
        Array.ForEach(stages, stage => stage.Dispose());
        return result;
    }

    /// <summary>The training loss, dropout included, of a forward alone.</summary>
    private static double LossSum(LoadedStage stage, MicroBatchTokens batch)
    {
        using var run = stage.Model.BeginTraining(batch, 1, 0, 1f);
        run.Forward(null);
        return run.LossSum;
    }

    internal static void StartB(LoadedStage stage)
    {
        using var noGrad = torch.no_grad();
        foreach (var module in stage.Model.Spec.Adapter)
        {
            var b = stage.Adapter.B(module.Index);
            using var values = TensorNumbers.Range(module.Index, module.Index + b.numel(), torch.CPU).to(torch.float32).sin().Scale(0.02).view(b.shape);
            b.copy_(values);
        }
    }

    private static void AssertSameBits((float[] Gradient, double Loss) a, (float[] Gradient, double Loss) b)
    {
        Assert.Equal(a.Loss, b.Loss);
        Assert.Contains(a.Gradient, value => value != 0);
        Assert.Equal(a.Gradient, b.Gradient);
    }

    internal static MicroBatchTokens Batch(bool packed) => Batch(packed, Short);

    internal static MicroBatchTokens Batch(bool packed, int[] lengths)
    {
        var ids = Enumerable.Range(0, lengths.Sum()).Select(i => (i * 37 % 200) + 3).ToArray();
        var labels = ids.Select((id, i) => i % 3 == 0 ? MicroBatchTokens.NoLabel : id).ToArray();
        return new MicroBatchTokens([.. lengths.Select((_, i) => (uint)(4 + i))], lengths, ids, labels, packed);
    }
}
