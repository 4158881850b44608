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
    public const int Bytes = 28;

    /// <summary>The seal of a stage's state.</summary>
    public static MirrorSeal Of(AdapterSnapshot state, uint firstLayer, uint lastLayer)
    {
        var hash = state.Hash().AsSpan();
        return new MirrorSeal(
            firstLayer, lastLayer, (uint)state.Layout.Layers.Count, BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]));
    }

    /// <summary>Its bytes, in a new buffer.</summary>
    public static TensorBuffer Write(MirrorSeal seal)
    {
        var buffer = new TensorBuffer(Bytes);
        var bytes = buffer.Slice(0, Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, seal.FirstLayer);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], seal.LastLayer);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], seal.Layers);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[12..], seal.HashLow);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[20..], seal.HashHigh);
        return buffer;
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null: it is something else.</summary>
    public static MirrorSeal? Read(TensorBuffer buffer)
    {
        if (buffer.Bytes != Bytes)
            return null;
        var bytes = buffer.Slice(0, Bytes);
        return new MirrorSeal(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[20..]));
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
