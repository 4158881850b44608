using Orchestrator.Protos;
using TorchSharp;

namespace Orchestrator.Worker.Runtime;

/// <summary>The floating-point types of weights and activations, as the contracts and as libtorch name them.</summary>
internal static class ElementTypes
{
    public static bool IsWeightType(DType dtype) => dtype is DType.F32 or DType.Bf16 or DType.F16;

    public static torch.ScalarType ToScalarType(DType dtype) => dtype switch
    {
        DType.F32 => torch.ScalarType.Float32,
        DType.Bf16 => torch.ScalarType.BFloat16,
        DType.F16 => torch.ScalarType.Float16,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "No floating-point type of weights."),
    };

    public static DType ToDType(torch.ScalarType dtype) => dtype switch
    {
        torch.ScalarType.Float32 => DType.F32,
        torch.ScalarType.BFloat16 => DType.Bf16,
        torch.ScalarType.Float16 => DType.F16,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "No floating-point type of weights."),
    };

    /// <summary>The type that a job computes in, which is also its residual stream's.</summary>
    /// <exception cref="WorkerFaultException">No job computes in this type.</exception>
    public static torch.ScalarType ToComputeType(DType dtype) => dtype is DType.F32 or DType.Bf16
        ? ToScalarType(dtype)
        : throw new WorkerFaultException(ErrorCode.BadData, $"The compute dtype of a job is F32 or BF16, not {dtype}.");
}
