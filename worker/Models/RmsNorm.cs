using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>A root-mean-square norm with its frozen weight.</summary>
/// <remarks>Owns the weight, which has the compute dtype.</remarks>
internal sealed class RmsNorm(torch.Tensor weight, float epsilon, FusedOperations operations) : IDisposable
{
    public long Bytes => weight.numel() * weight.element_size();

    public torch.Tensor Forward(torch.Tensor x)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Norms);
        return operations.RmsNorm(x, weight, epsilon);
    }

    public torch.Tensor Backward(torch.Tensor x, torch.Tensor gradient)
    {
        using var clock = KernelProfile.Measure(KernelPhase.Norms);
        return operations.RmsNormBackward(x, weight, epsilon, gradient);
    }

    public void Dispose() => weight.Dispose();
}
