using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Quantization;

/// <summary>A 4-bit weight in host memory, dequantized by vector code over the process's compute threads.</summary>
internal sealed class HostQuantizedWeight(QuantizedMatrix matrix) : QuantizedWeight
{
    public override IReadOnlyList<long> Shape => matrix.Shape;

    public override long ResidentBytes => matrix.Bytes;

    public override unsafe void DequantizeInto(torch.Tensor destination)
    {
        if (!destination.shape.AsSpan().SequenceEqual([.. matrix.Shape]))
            throw new ArgumentException($"'{matrix.Name}' has shape [{string.Join(", ", matrix.Shape)}], the destination [{string.Join(", ", destination.shape)}]", nameof(destination));
        matrix.Dequantize(TensorMemory.Pointer(destination), ElementTypes.ToDType(destination.dtype));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            matrix.Dispose();
    }
}
