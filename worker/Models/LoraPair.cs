using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>The low-rank pair of one adapted linear layer: y += scale * (dropout(x) A^T) B^T.</summary>
/// <remarks>A [rank, in] and B [out, rank] are fp32 views of the stage's adapter state, which owns them. <see cref="LoraGroup"/> computes with them.</remarks>
internal sealed class LoraPair
{
    public LoraPair(AdapterState state, AdapterModule module, AdapterDropout? dropout)
    {
        (A, B) = (state.A(module.Index), state.B(module.Index));
        (PlaceA, PlaceB) = (state.Layout[module.Index, true], state.Layout[module.Index, false]);
        (Scale, Dropout) = ((float)module.Scale, dropout);
    }

    public Tensor A { get; }

    public Tensor B { get; }

    /// <summary>A's place in a flat buffer.</summary>
    public AdapterParameter PlaceA { get; }

    /// <summary>B's place in a flat buffer.</summary>
    public AdapterParameter PlaceB { get; }

    public float Scale { get; }

    public AdapterDropout? Dropout { get; }

    /// <summary>Columns of B, rows of A; a tensor's own shape is a call into the library.</summary>
    public long Rank => PlaceA.Shape[0];

    /// <summary>Rows of B.</summary>
    public int OutFeatures => (int)PlaceB.Shape[0];
}
