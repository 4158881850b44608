using System.Runtime.Intrinsics;
using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using TorchSharp;

namespace Orchestrator.Worker.Optimizers;

/// <summary>The numbers of one AdamW step, each rounded once to fp32, and the update by them.</summary>
/// <remarks>
/// torch.optim.AdamW (Loshchilov and Hutter, arXiv 1711.05101), with g the clipped gradient: p = p * (1 - lr * decay);
/// m = m * beta1 + g * (1 - beta1); v = v * beta2 + (g * g) * (1 - beta2); p = p - (lr / correction1) * (m / (sqrt(v) / sqrt(correction2) + epsilon)).
/// </remarks>
internal readonly record struct AdamWUpdate(float Clip, float Keep, float Beta1, float OneMinusBeta1, float Beta2, float OneMinusBeta2, float SqrtCorrection2, float Epsilon, float StepSize)
{
    public static AdamWUpdate Create(OptimizerSpec spec, Step step, float clip) => new(
        clip,
        (float)(1 - (step.LearningRate * spec.WeightDecay)),
        (float)spec.Beta1,
        (float)(1 - spec.Beta1),
        (float)spec.Beta2,
        (float)(1 - spec.Beta2),
        (float)Math.Sqrt(step.BiasCorrection2),
        (float)spec.Epsilon,
        (float)((double)step.LearningRate / step.BiasCorrection1));

    /// <summary>Host memory: one pass over four buffers.</summary>
    public unsafe void Apply(float* parameters, float* first, float* second, float* gradient, long count)
    {
        long i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var g = Vector512.Load(gradient + i) * Clip;
            var m = (Vector512.Load(first + i) * Beta1) + (g * OneMinusBeta1);
            var v = (Vector512.Load(second + i) * Beta2) + ((g * g) * OneMinusBeta2);
            var direction = m / ((Vector512.Sqrt(v) / Vector512.Create(SqrtCorrection2)) + Vector512.Create(Epsilon));
            ((Vector512.Load(parameters + i) * Keep) - (direction * StepSize)).Store(parameters + i);
            m.Store(first + i);
            v.Store(second + i);
        }

        for (; i < count; i++)
        {
            var g = gradient[i] * Clip;
            first[i] = (first[i] * Beta1) + (g * OneMinusBeta1);
            second[i] = (second[i] * Beta2) + ((g * g) * OneMinusBeta2);
            var direction = first[i] / ((MathF.Sqrt(second[i]) / SqrtCorrection2) + Epsilon);
            parameters[i] = (parameters[i] * Keep) - (direction * StepSize);
        }
    }

    /// <summary>Any device: one tensor operation a rounding, with the bits of the host's pass.</summary>
    /// <remarks>
    /// libtorch's fp32 square root on the CPU is an ulp off in one of seven values (measured), so it is taken in fp64, whose rounding
    /// to fp32 is the exact one. A division by a plain number may become a product with its reciprocal on CUDA, hence the divisor is a tensor.
    /// </remarks>
    public void Apply(torch.Tensor parameters, torch.Tensor first, torch.Tensor second, torch.Tensor gradient)
    {
        using var scope = torch.NewDisposeScope();
        var g = gradient.Times(Clip);
        first.Scale(Beta1).Add(g.Times(OneMinusBeta1));
        second.Scale(Beta2).Add(g.mul(g).Scale(OneMinusBeta2));
        var divisor = torch.tensor([SqrtCorrection2], torch.float32, second.device);
        var root = second.to(torch.float64).sqrt_().to(torch.float32);
        var direction = first.div(root.div_(divisor).Add(Epsilon));
        parameters.Scale(Keep).sub_(direction.Scale(StepSize));
    }
}
