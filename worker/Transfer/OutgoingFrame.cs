using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>A frame that is about to be written: a part of a tensor where it lies.</summary>
internal sealed class OutgoingFrame(TensorKey key, DType dtype, TensorBuffer buffer, long offset, int length)
{
    /// <summary>Payload of a frame: large enough to be cheap, small enough to interleave.</summary>
    public const int MaxPayloadBytes = 256 * 1024;

    /// <summary>The frames of a tensor, in order; an empty tensor has one empty frame.</summary>
    public static IEnumerable<OutgoingFrame> Of(TensorKey key, DType dtype, TensorBuffer buffer)
    {
        long offset = 0;
        do
        {
            var length = (int)Math.Min(MaxPayloadBytes, buffer.Bytes - offset);
            yield return new OutgoingFrame(key, dtype, buffer, offset, length);
            offset += length;
        }
        while (offset < buffer.Bytes);
    }

    public FrameHeader Header => new(key, dtype, (ulong)offset, (ulong)buffer.Bytes, Crc32C.Of(Payload));

    public ReadOnlySpan<byte> Payload => buffer.Slice(offset, length);
}
