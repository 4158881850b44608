using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Optimizers;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Tests.Adapters;
using TorchSharp;
using TorchSharp.Modules;

namespace Orchestrator.Worker.Tests.Optimizers;

public sealed unsafe class AdapterOptimizerTests
{
    private const int Steps = 8;

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(0.1, 0.0)]
    [InlineData(0.01, 100.0)]
    public void Apply_AdamW_FollowsTorchsOptimizer(double decay, double maxNorm)
    {
        var spec = new OptimizerSpec { Kind = OptimizerKind.Adamw, Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, WeightDecay = decay, MaxGradNorm = maxNorm };
        Compare(spec, parameter => torch.optim.AdamW([parameter], 0.01, 0.9, 0.999, 1e-8, decay));
    }

    [Theory]
    [InlineData(0.0, 0.0, 1.0)]
    [InlineData(0.9, 0.0, 0.0)]
    [InlineData(0.9, 0.1, 1.0)]
    public void Apply_Sgd_FollowsTorchsOptimizer(double momentum, double decay, double maxNorm)
    {
        var spec = new OptimizerSpec { Kind = OptimizerKind.Sgd, Momentum = momentum, WeightDecay = decay, MaxGradNorm = maxNorm };
        Compare(spec, parameter => torch.optim.SGD([parameter], 0.01, momentum, 0, decay));
    }

    [Fact]
    public void Apply_AdamW_EqualsADoublePrecisionReference()
    {
        var spec = new OptimizerSpec { Kind = OptimizerKind.Adamw, Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, WeightDecay = 0.1, MaxGradNorm = 1 };
        var stage = AdapterStateTests.Stage(AdapterStateTests.Module(0, 33, 7, 3, 0));
        stage.Optimizer = spec;
        using var state = AdapterState.Create(stage, torch.CPU);
        var p = TensorMemory.Floats(state.Parameters).ToArray().Select(x => (double)x).ToArray();
        double[] m = new double[p.Length], v = new double[p.Length];
        for (var number = 1; number <= Steps; number++)
        {
            using var gradient = Gradient(state.Layout.NumElements, number);
            var g = TensorMemory.Floats(gradient).ToArray();
            var norm = Math.Sqrt(g.Sum(x => (double)x * x));
            new AdapterOptimizer(spec).Apply(state, gradient, StepOf(number), (float)norm);
            for (var i = 0; i < p.Length; i++)
            {
                var clipped = g[i] * Math.Min(1, 1 / (norm + 1e-6));
                p[i] *= 1 - (0.01 * 0.1);
                m[i] = (0.9 * m[i]) + (0.1 * clipped);
                v[i] = (0.999 * v[i]) + (0.001 * clipped * clipped);
                p[i] -= 0.01 / (1 - Math.Pow(0.9, number)) * m[i] / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, number))) + 1e-8);
            }
        }

        var actual = TensorMemory.Floats(state.Parameters);
        for (var i = 0; i < p.Length; i++)
            Assert.Equal(p[i], actual[i], 1e-6);
    }

    [Fact]
    public void Update_BufferCutElsewhereOrByTensorOperations_GivesTheSameBits()
    {
        var adamW = AdamWUpdate.Create(new OptimizerSpec { Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, WeightDecay = 0.1 }, StepOf(3), 0.37f);
        var sgd = SgdUpdate.Create(new OptimizerSpec { Momentum = 0.9, WeightDecay = 0.1 }, StepOf(3), 0.37f);
        using var gradient = Gradient(10_007, 99);
        // Elements without a gradient: of their moments epsilon is no small part.
        gradient[torch.TensorIndex.Slice(0, null, 3)].zero_();
        foreach (var adam in (bool[])[true, false])
        {
            var expected = Run(gradient, adam, adamW, sgd, null);
            foreach (var cut in (int[])[1, 15, 16, 17, 4999, 10_006])
                Assert.Equal(expected, Run(gradient, adam, adamW, sgd, cut));
            Assert.Equal(expected, Run(gradient, adam, adamW, sgd, -1));
        }
    }

    [Theory]
    [InlineData(1.0, 0.5f, 1f)]
    [InlineData(1.0, 4f, 0.25f)]
    [InlineData(0.0, 4f, 1f)]
    [InlineData(1e-6, 1e-6f, 0.5f)]
    public void ClipCoefficient_IsTorchs(double maxNorm, float norm, float expected) =>
        Assert.Equal(expected, AdapterOptimizer.ClipCoefficient(maxNorm, norm), 1e-6f);

    private static float[] Run(torch.Tensor gradient, bool adam, AdamWUpdate adamW, SgdUpdate sgd, int? cut)
    {
        var count = gradient.numel();
        using torch.Tensor p = Gradient(count, 1), m = Gradient(count, 2), v = Gradient(count, 3).abs_();
        float* pp = (float*)TensorMemory.Pointer(p), pm = (float*)TensorMemory.Pointer(m), pv = (float*)TensorMemory.Pointer(v), pg = (float*)TensorMemory.Pointer(gradient);
        for (var i = 0; i < count; i += 3)
            (pv[i], pm[i]) = (1e-16f, 1e-8f);
        if (cut == -1)
        {
            if (adam)
                adamW.Apply(p, m, v, gradient);
            else
                sgd.Apply(p, m, gradient);
        }
        else
        {
            foreach (var (from, to) in ((long, long)[])[(0, cut ?? 0), (cut ?? 0, count)])
            {
                if (adam)
                    adamW.Apply(pp + from, pm + from, pv + from, pg + from, to - from);
                else
                    sgd.Apply(pp + from, pm + from, pg + from, to - from);
            }
        }

        return [.. TensorMemory.Floats(p), .. TensorMemory.Floats(m), .. TensorMemory.Floats(v)];
    }

    private static void Compare(OptimizerSpec spec, Func<Parameter, torch.optim.Optimizer> create)
    {
        var stage = AdapterStateTests.Stage(AdapterStateTests.Module(0, 33, 7, 3, 0), AdapterStateTests.Module(1, 12, 9, 4, 9));
        stage.Optimizer = spec;
        using var state = AdapterState.Create(stage, torch.CPU);
        using var parameter = new Parameter(state.Parameters.clone(), requires_grad: true);
        using var theirs = create(parameter);
        var ours = new AdapterOptimizer(spec);
        for (var number = 1; number <= Steps; number++)
        {
            using var gradient = Gradient(state.Layout.NumElements, number);
            using var norm = gradient.norm();
            parameter.grad = gradient.Times(AdapterOptimizer.ClipCoefficient(spec.MaxGradNorm, norm.item<float>()));
            theirs.step();
            ours.Apply(state, gradient, StepOf(number), norm.item<float>());
        }

        float[] expected = TensorMemory.Floats(parameter.detach()).ToArray(), actual = TensorMemory.Floats(state.Parameters).ToArray();
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 2e-7f);
    }

    private static Step StepOf(int number) => new()
    {
        Number = (ulong)number,
        LearningRate = 0.01f,
        BiasCorrection1 = (float)(1 - Math.Pow(0.9, number)),
        BiasCorrection2 = (float)(1 - Math.Pow(0.999, number)),
    };

    private static torch.Tensor Gradient(long count, int seed)
    {
        var random = new Random(seed);
        return torch.tensor(Enumerable.Range(0, (int)count).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray());
    }
}
