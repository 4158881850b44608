using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Mirrors;

/// <summary>A layer's state as it travels between workers: one tensor of fp32 bits, see <see cref="LayerStates"/>.</summary>
internal static unsafe class LayerPieces
{
    /// <summary>A copy of a layer's state.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory for it.</exception>
    public static TensorBuffer Of(AdapterSnapshot state, AdapterLayer layer)
    {
        var buffer = new TensorBuffer(LayerStates.BytesOf(layer, state.Moments.Count));
        LayerStates.CopyOut(state, layer, buffer.Pointer);
        return buffer;
    }

    /// <summary>Puts a layer's state into a snapshot.</summary>
    /// <exception cref="InvalidDataException">It is not of this layer's size.</exception>
    public static void Put(TensorBuffer piece, AdapterSnapshot state, AdapterLayer layer)
    {
        var bytes = LayerStates.BytesOf(layer, state.Moments.Count);
        if (piece.Bytes != bytes)
            throw new InvalidDataException($"the state of layer {layer.Layer} has {piece.Bytes} bytes where {bytes} were due");
        LayerStates.CopyIn(piece.Pointer, state, layer);
    }
}
