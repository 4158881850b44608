using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Writes a TensorFrame message from tensor memory, byte for byte what the generated class writes.</summary>
internal static class TensorFrameWriter
{
    private const int JobField = 1;
    private const int PayloadField = 11;

    /// <summary>Bytes of the message.</summary>
    public static int Measure(in FrameHeader header, int payloadBytes) => HeaderBytes(header) + BlockBytes(payloadBytes, PayloadField);

    /// <summary>Writes the message into a span of exactly <see cref="Measure"/> bytes.</summary>
    public static void Write(in FrameHeader header, ReadOnlySpan<byte> payload, Span<byte> message)
    {
        var at = 0;
        if (header.Key.Job.Length > 0)
        {
            at = PutTag(message, at, JobField, WireFormat.WireType.LengthDelimited);
            at = PutVarint(message, at, (ulong)Encoding.UTF8.GetByteCount(header.Key.Job));
            at += Encoding.UTF8.GetBytes(header.Key.Job, message[at..]);
        }

        foreach (var (field, value) in Numbers(header))
        {
            if (value != 0)
                at = PutVarint(message, PutTag(message, at, field, WireFormat.WireType.Varint), value);
        }

        if (header.Crc != 0)
        {
            at = PutTag(message, at, TensorFrame.CrcFieldNumber, WireFormat.WireType.Fixed32);
            BinaryPrimitives.WriteUInt32LittleEndian(message[at..], header.Crc);
            at += sizeof(uint);
        }

        if (payload.Length > 0)
        {
            at = PutVarint(message, PutTag(message, at, PayloadField, WireFormat.WireType.LengthDelimited), (ulong)payload.Length);
            payload.CopyTo(message[at..]);
        }
    }

    private static int HeaderBytes(in FrameHeader header)
    {
        var bytes = BlockBytes(Encoding.UTF8.GetByteCount(header.Key.Job), JobField);
        foreach (var (field, value) in Numbers(header))
            bytes += value == 0 ? 0 : CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeUInt64Size(value);
        return bytes + (header.Crc == 0 ? 0 : 1 + sizeof(uint));
    }

    private static int BlockBytes(int length, int field) =>
        length == 0 ? 0 : CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeUInt64Size((ulong)length) + length;

    private static ReadOnlySpan<(int Field, ulong Value)> Numbers(in FrameHeader header) => new (int, ulong)[]
    {
        (TensorFrame.GenerationFieldNumber, header.Key.Generation),
        (TensorFrame.StepFieldNumber, header.Key.Step),
        (TensorFrame.SenderFieldNumber, header.Key.Sender),
        (TensorFrame.IndexFieldNumber, header.Key.Index),
        (TensorFrame.KindFieldNumber, (ulong)header.Key.Kind),
        (TensorFrame.DtypeFieldNumber, (ulong)header.DType),
        (TensorFrame.OffsetFieldNumber, header.Offset),
        (TensorFrame.TotalFieldNumber, header.Total),
    };

    private static int PutTag(Span<byte> message, int at, int field, WireFormat.WireType type) => PutVarint(message, at, WireFormat.MakeTag(field, type));

    private static int PutVarint(Span<byte> message, int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            message[at++] = (byte)(value | 0x80);
        message[at++] = (byte)value;
        return at;
    }
}
