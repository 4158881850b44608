using System.Buffers;
using System.Text;
using Google.Protobuf;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Reads a TensorFrame message without copying its payload.</summary>
/// <remarks>Foreign bytes: throws nothing but <see cref="TensorFrameException"/>, and allocates nothing but the job's name, of at most 256 bytes.</remarks>
internal static class TensorFrameReader
{
    private const int MaxJobBytes = 256;

    /// <param name="message">The message's bytes.</param>
    /// <param name="knownJob">The stream's job: its name is not allocated again.</param>
    /// <param name="payload">The payload, where it lies.</param>
    /// <exception cref="TensorFrameException">It is no TensorFrame.</exception>
    public static FrameHeader Read(in ReadOnlySequence<byte> message, string knownJob, out ReadOnlySequence<byte> payload)
    {
        var reader = new SequenceReader<byte>(message);
        payload = default;
        var job = "";
        ulong generation = 0, step = 0, sender = 0, index = 0, kind = 0, dtype = 0, offset = 0, total = 0;
        uint crc = 0;
        while (!reader.End)
        {
            var tag = ReadVarint(ref reader);
            switch (tag)
            {
                case (1 << 3) | 2: job = ReadJob(ref reader, knownJob); break;
                case 2 << 3: generation = ReadVarint(ref reader); break;
                case 3 << 3: step = ReadVarint(ref reader); break;
                case 4 << 3: sender = ReadVarint(ref reader); break;
                case 5 << 3: index = ReadVarint(ref reader); break;
                case 6 << 3: kind = ReadVarint(ref reader); break;
                case 7 << 3: dtype = ReadVarint(ref reader); break;
                case 8 << 3: offset = ReadVarint(ref reader); break;
                case 9 << 3: total = ReadVarint(ref reader); break;
                case (10 << 3) | 5: crc = ReadFixed32(ref reader); break;
                case (11 << 3) | 2: payload = ReadBlock(ref reader); break;
                default: Skip(ref reader, tag); break;
            }
        }

        if (sender > uint.MaxValue || index > uint.MaxValue || kind > int.MaxValue || dtype > int.MaxValue)
            throw new TensorFrameException("a number is out of its range");
        return new FrameHeader(new TensorKey(job, generation, step, (uint)sender, (TensorKind)kind, (uint)index), (DType)dtype, offset, total, crc);
    }

    private static ulong ReadVarint(ref SequenceReader<byte> reader)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (!reader.TryRead(out var part))
                throw new TensorFrameException("it is cut off");
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
                return value;
        }

        throw new TensorFrameException("a number has more than 64 bits");
    }

    private static uint ReadFixed32(ref SequenceReader<byte> reader)
    {
        uint value = 0;
        for (var shift = 0; shift < 32; shift += 8)
        {
            if (!reader.TryRead(out var part))
                throw new TensorFrameException("it is cut off");
            value |= (uint)part << shift;
        }

        return value;
    }

    private static ReadOnlySequence<byte> ReadBlock(ref SequenceReader<byte> reader)
    {
        var length = ReadVarint(ref reader);
        if (length > (ulong)reader.Remaining)
            throw new TensorFrameException($"a field claims {length} bytes where {reader.Remaining} are left");
        var block = reader.UnreadSequence.Slice(0, (long)length);
        reader.Advance((long)length);
        return block;
    }

    private static string ReadJob(ref SequenceReader<byte> reader, string knownJob)
    {
        var block = ReadBlock(ref reader);
        if (block.Length > MaxJobBytes)
            throw new TensorFrameException($"the job's name has more than {MaxJobBytes} bytes");
        Span<byte> name = stackalloc byte[(int)block.Length];
        block.CopyTo(name);
        Span<char> text = stackalloc char[MaxJobBytes];
        var characters = text[..Encoding.UTF8.GetChars(name, text)];
        return characters.SequenceEqual(knownJob) ? knownJob : characters.ToString();
    }

    // Fields of a later version are skipped, as protobuf does.
    private static void Skip(ref SequenceReader<byte> reader, ulong tag)
    {
        if (tag >> 3 is 0 or > int.MaxValue >> 2)
            throw new TensorFrameException("a field has no valid number");
        var type = (WireFormat.WireType)(tag & 7);
        if (type == WireFormat.WireType.Varint)
            ReadVarint(ref reader);
        else if (type == WireFormat.WireType.LengthDelimited)
            ReadBlock(ref reader);
        else if (type is not (WireFormat.WireType.Fixed32 or WireFormat.WireType.Fixed64))
            throw new TensorFrameException($"field {tag >> 3} has the unknown wire type {tag & 7}");
        else if (!TryAdvance(ref reader, type == WireFormat.WireType.Fixed32 ? 4 : 8))
            throw new TensorFrameException("it is cut off");
    }

    private static bool TryAdvance(ref SequenceReader<byte> reader, int bytes)
    {
        if (reader.Remaining < bytes)
            return false;
        reader.Advance(bytes);
        return true;
    }
}
