using System.Runtime.Intrinsics;
using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using TorchSharp;

namespace Orchestrator.Worker.Optimizers;

/// <summary>The numbers of one step of SGD with momentum, each rounded once to fp32, and the update by them.</summary>
/// <remarks>
/// torch.optim.SGD without dampening, with g the clipped gradient: g = g + p * decay; b = b * momentum + g; p = p - b * lr. The
/// buffer starts at zero, so the first step's is g itself, as torch has it. Without momentum there is no buffer and g takes its place.
/// </remarks>
internal readonly record struct SgdUpdate(float Clip, float Decay, float Momentum, float LearningRate)
{
    public static SgdUpdate Create(OptimizerSpec spec, Step step, float clip) =>
        new(clip, (float)spec.WeightDecay, (float)spec.Momentum, step.LearningRate);

    /// <summary>Host memory: one pass; <paramref name="buffer"/> is null without momentum.</summary>
    public unsafe void Apply(float* parameters, float* buffer, float* gradient, long count)
    {
        long i = 0;
        for (; i + 16 <= count; i += 16)
        {
            var p = Vector512.Load(parameters + i);
            var g = (Vector512.Load(gradient + i) * Clip) + (p * Decay);
            if (buffer != null)
            {
                g = (Vector512.Load(buffer + i) * Momentum) + g;
                g.Store(buffer + i);
            }

            (p - (g * LearningRate)).Store(parameters + i);
        }

        for (; i < count; i++)
        {
            var g = (gradient[i] * Clip) + (parameters[i] * Decay);
            if (buffer != null)
                buffer[i] = g = (buffer[i] * Momentum) + g;
            parameters[i] -= g * LearningRate;
        }
    }

    /// <summary>Any device: one tensor operation a rounding.</summary>
    public void Apply(torch.Tensor parameters, torch.Tensor? buffer, torch.Tensor gradient)
    {
        using var scope = torch.NewDisposeScope();
        var g = gradient.Times(Clip).Add(parameters.Times(Decay));
        if (buffer is not null)
            g = buffer.Scale(Momentum).Add(g);
        parameters.sub_(g.Times(LearningRate));
    }
}
