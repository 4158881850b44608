using System.Runtime.InteropServices;
using TorchSharp;

namespace Orchestrator.Worker.Runtime;

/// <summary>Raw access to the memory of a contiguous CPU tensor, of any size.</summary>
/// <remarks>The pointer is good while the tensor (or another view of its storage) lives; <c>Tensor.bytes</c> would stop at 2 GB.</remarks>
internal static unsafe partial class TensorMemory
{
    /// <summary>Address of the first element; 64-byte aligned for a tensor that owns its storage.</summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous, or not in host memory.</exception>
    public static byte* Pointer(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new ArgumentException("the tensor is not in host memory", nameof(tensor));
        if (!tensor.is_contiguous())
            throw new ArgumentException("the tensor is not contiguous", nameof(tensor));
        return (byte*)Data(tensor.Handle);
    }

    /// <summary>The fp32 elements of a contiguous CPU tensor of at most 2^31 - 1 elements.</summary>
    public static Span<float> Floats(torch.Tensor tensor)
    {
        if (tensor.dtype != torch.ScalarType.Float32)
            throw new ArgumentException("the tensor is not float32", nameof(tensor));
        return new Span<float>(Pointer(tensor), checked((int)tensor.numel()));
    }

    /// <summary>The bytes of a contiguous CPU tensor of at most 2^31 - 1 bytes.</summary>
    public static Span<byte> Bytes(torch.Tensor tensor) => new(Pointer(tensor), checked((int)(tensor.numel() * tensor.element_size())));

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint Data(nint tensor);
}
