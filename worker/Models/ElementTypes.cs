using Orchestrator.Protos;
using TorchSharp;

namespace Orchestrator.Worker.Models;

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
}
