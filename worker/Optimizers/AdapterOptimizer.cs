using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Optimizers;

/// <summary>Applies one optimizer step to an adapter's flat buffers: torch's AdamW, or SGD with momentum, after clipping.</summary>
/// <remarks>
/// Only operations that are exactly rounded, one an element (multiply, add, divide, square root; nothing fused), so bits depend
/// neither on where a buffer is cut nor on threads, vector width or device. Compute thread; the gradient is only read.
/// </remarks>
internal sealed class AdapterOptimizer(OptimizerSpec spec)
{
    // Below this many elements a thread's part is not worth waking the thread.
    private const long LeastElementsPerThread = 1 << 16;

    /// <summary>min(1, maxNorm / (norm + 1e-6)) in fp32, torch's clip_grad_norm_; 1 where <paramref name="maxNorm"/> is 0.</summary>
    public static float ClipCoefficient(double maxNorm, float gradNorm) =>
        maxNorm == 0 ? 1f : MathF.Min(1f, (float)maxNorm / (gradNorm + 1e-6f));

    /// <summary>Updates parameters and moments in place.</summary>
    /// <param name="state">Of the stage; its moments fit the optimizer's kind.</param>
    /// <param name="flatGradient">The whole reduced gradient, fp32, shaped like the parameters, already divided by the step's label tokens.</param>
    /// <param name="step">Learning rate and bias corrections.</param>
    /// <param name="gradNorm">The gradient's norm over all stages, before clipping.</param>
    public void Apply(AdapterState state, torch.Tensor flatGradient, Step step, float gradNorm)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var clip = ClipCoefficient(spec.MaxGradNorm, gradNorm);
        if (spec.Kind == OptimizerKind.Adamw)
            ApplyAdamW(AdamWUpdate.Create(spec, step, clip), state, flatGradient);
        else if (spec.Kind == OptimizerKind.Sgd)
            ApplySgd(SgdUpdate.Create(spec, step, clip), state, flatGradient);
        else
            throw new WorkerFaultException(ErrorCode.BadData, $"Optimizer '{spec.Kind}' is unknown to this worker.");
    }

    private static unsafe void ApplyAdamW(AdamWUpdate update, AdapterState state, torch.Tensor gradient)
    {
        if (state.Parameters.device_type != DeviceType.CPU)
        {
            update.Apply(state.Parameters, state.Moments[0], state.Moments[1], gradient);
            return;
        }

        float* p = Floats(state.Parameters), m = Floats(state.Moments[0]), v = Floats(state.Moments[1]), g = Floats(gradient);
        Kernels.KernelParallel.For(state.Layout.NumElements, LeastElementsPerThread, (from, to) => update.Apply(p + from, m + from, v + from, g + from, to - from));
    }

    private static unsafe void ApplySgd(SgdUpdate update, AdapterState state, torch.Tensor gradient)
    {
        var momentum = state.Moments.Count > 0 ? state.Moments[0] : null;
        if (state.Parameters.device_type != DeviceType.CPU)
        {
            update.Apply(state.Parameters, momentum, gradient);
            return;
        }

        float* p = Floats(state.Parameters), b = momentum is null ? null : Floats(momentum), g = Floats(gradient);
        Kernels.KernelParallel.For(state.Layout.NumElements, LeastElementsPerThread, (from, to) => update.Apply(p + from, b == null ? null : b + from, g + from, to - from));
    }

    private static unsafe float* Floats(torch.Tensor tensor) => (float*)TensorMemory.Pointer(tensor);
}
