using System.Buffers.Binary;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Mirrors;

/// <summary>The seal of a mirrored state on the wire: the tensor behind the layers' own.</summary>
/// <remarks>Bytes, little-endian: first layer (4), last layer (4), how many of them are adapted (4), the state's hash (16).</remarks>
internal static class MirrorSeals
{
    /// <summary>Its index, where a layer's tensor has the layer.</summary>
    public const uint Index = uint.MaxValue;

    /// <summary>Its bytes.</summary>
    public const int Bytes = HashAt + StateHash.Bytes;

    private const int HashAt = 12;

    /// <summary>The seal of a stage's state.</summary>
    public static MirrorSeal Of(AdapterSnapshot state, uint firstLayer, uint lastLayer)
    {
        var (low, high) = StateHash.Read(state.Hash());
        return new MirrorSeal(firstLayer, lastLayer, (uint)state.Layout.Layers.Count, low, high);
    }

    /// <summary>Its bytes, in a new buffer.</summary>
    public static TensorBuffer Write(MirrorSeal seal)
    {
        var buffer = new TensorBuffer(Bytes);
        var bytes = buffer.Slice(0, Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, seal.FirstLayer);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], seal.LastLayer);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], seal.Layers);
        StateHash.Write((seal.HashLow, seal.HashHigh), bytes[HashAt..]);
        return buffer;
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null: it is something else.</summary>
    public static MirrorSeal? Read(TensorBuffer buffer)
    {
        if (buffer.Bytes != Bytes)
            return null;
        var bytes = buffer.Slice(0, Bytes);
        var (low, high) = StateHash.Read(bytes[HashAt..]);
        return new MirrorSeal(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            low,
            high);
    }

    /// <summary>Whether layers' pieces are those that a seal is of.</summary>
    public static unsafe bool Fits(MirrorSeal seal, IReadOnlyDictionary<uint, TensorBuffer> pieces)
    {
        var sum = default(StateHash);
        foreach (var (layer, piece) in pieces)
            sum += LayerStates.HashOf(layer, piece.Pointer, piece.Bytes);
        return sum.Sums == (seal.HashLow, seal.HashHigh);
    }
}
