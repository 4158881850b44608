using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Transfer;
using TorchSharp;

namespace Orchestrator.Worker.Stages;

/// <summary>The residual stream and its gradient between tensors and the wire: contiguous, always in the job's compute dtype.</summary>
internal static unsafe class ResidualTensors
{
    /// <summary>A copy of a tensor's bytes; the tensor stays the caller's.</summary>
    public static TensorBuffer ToBuffer(torch.Tensor tensor, DType dtype)
    {
        if (tensor.dtype != ElementTypes.ToComputeType(dtype))
            throw new InvalidOperationException($"the residual stream is {tensor.dtype}, the job's is {dtype}");
        using var scope = torch.NewDisposeScope();
        var host = tensor.cpu().contiguous();
        return TensorBuffer.CopyOf(TensorMemory.Pointer(host), host.numel() * host.element_size());
    }

    /// <summary>A new tensor [tokens, hidden] on the device with what came; the caller's to dispose.</summary>
    public static torch.Tensor ToTensor(ReceivedTensor received, DType dtype, int tokens, uint hidden, torch.Device device)
    {
        var tensor = torch.empty([tokens, hidden], ElementTypes.ToComputeType(dtype));
        var bytes = tensor.numel() * tensor.element_size();
        if (received.DType != dtype || received.Buffer.Bytes != bytes)
            throw new InvalidOperationException($"{received.Buffer.Bytes} bytes of {received.DType} came where {tokens} x {hidden} of {dtype} were due");
        Buffer.MemoryCopy(received.Buffer.Pointer, TensorMemory.Pointer(tensor), bytes, bytes);
        if (device.type == DeviceType.CPU)
            return tensor;
        using (tensor)
            return tensor.to(device);
    }
}
