using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>A weight of the base model [rows, columns] that never changes: the file's own 16 or 32 bits.</summary>
/// <remarks>Immutable after loading. Owns its memory.</remarks>
internal sealed class FrozenWeight(torch.Tensor dense) : IDisposable
{
    public long Rows => dense.shape[0];

    public long Columns => dense.shape[1];

    /// <summary>Bytes that it takes in memory.</summary>
    public long Bytes => dense.numel() * dense.element_size();

    /// <summary>The weight itself where it already has the compute dtype, else null.</summary>
    public torch.Tensor? Direct(torch.ScalarType dtype) => dense.dtype == dtype ? dense : null;

    /// <summary>Writes the weight's values in the destination's dtype.</summary>
    /// <param name="destination">[rows, columns], contiguous; overwritten.</param>
    public void WriteTo(torch.Tensor destination) => destination.copy_(dense);

    public void Dispose() => dense.Dispose();
}
