using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Google.Protobuf;

namespace Orchestrator.Protos.Blobs;

/// <summary>The one definition of a blob's bytes: where header, tensors and digest lie, and what a header may say.</summary>
/// <remarks>
/// Magic (8 bytes), header length (u64, little-endian), <see cref="BlobHeader"/>, zeros to a multiple of 64 (the start of the tensor area), tensors each
/// at a multiple of 64 with zeros between, zeros to a multiple of 64, SHA-256 of everything before (32 bytes).
/// </remarks>
public static class BlobLayout
{
    /// <summary>Alignment of the tensor area and of every tensor in it: a cache line, and enough for any vector load.</summary>
    public const int Alignment = 64;

    public const int DigestBytes = 32;

    /// <summary>Largest header that is written or read: a stage of 80 layers with its optimizer state needs 0.4 MB.</summary>
    public const int MaxHeaderBytes = 8 << 20;

    internal const int PrefixBytes = 16;

    private const int MaxDimensions = 8;

    internal static ReadOnlySpan<byte> Magic => "ORCBLOB1"u8;

    /// <summary>Bytes of one element; 0 for an unknown type.</summary>
    public static int BytesOf(DType dtype) => dtype switch
    {
        DType.F64 or DType.I64 => 8,
        DType.F32 or DType.I32 => 4,
        DType.Bf16 or DType.F16 or DType.I16 => 2,
        DType.U8 or DType.I8 or DType.Bool => 1,
        _ => 0,
    };

    internal static ulong Align(ulong position) => checked(position + Alignment - 1) & ~(ulong)(Alignment - 1);

    /// <summary>Reads the fixed prefix and returns the header's length.</summary>
    internal static int ParsePrefix(ReadOnlySpan<byte> prefix, ulong fileBytes, string file)
    {
        if (prefix.Length < PrefixBytes || fileBytes < PrefixBytes + DigestBytes)
        {
            throw new BlobFormatException(file, null, $"it has {fileBytes} bytes, too few for a blob");
        }

        if (!prefix[..Magic.Length].SequenceEqual(Magic))
        {
            throw new BlobFormatException(file, null, "it does not start with the mark of a blob");
        }

        var headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix[Magic.Length..]);
        if (headerBytes > MaxHeaderBytes)
        {
            throw new BlobFormatException(file, null, $"its header claims {headerBytes} bytes, more than the limit of {MaxHeaderBytes}");
        }

        if (Align(PrefixBytes + headerBytes) + DigestBytes > fileBytes)
        {
            throw new BlobFormatException(file, null, $"its header claims {headerBytes} bytes, but the file has only {fileBytes}");
        }

        return (int)headerBytes;
    }

    /// <summary>Reads the header and checks every statement in it against the file's size.</summary>
    internal static BlobHeader ParseHeader(ReadOnlySpan<byte> content, ulong fileBytes, string file)
    {
        BlobHeader header;
        try
        {
            header = BlobHeader.Parser.ParseFrom(content);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new BlobFormatException(file, null, "its header is not a protobuf message of a blob", exception);
        }

        var areaBytes = fileBytes - DigestBytes - Align(PrefixBytes + (ulong)content.Length);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in header.Tensors)
        {
            CheckTensor(tensor, areaBytes, file);
            if (!names.Add(tensor.Name))
            {
                throw new BlobFormatException(file, tensor.Name, "the header names it twice");
            }
        }

        CheckArea(header, areaBytes, file);
        return header;
    }

    /// <summary>Bytes of a tensor by type and shape; null when they do not fit 63 bits or the type is unknown.</summary>
    internal static ulong? LengthOf(DType dtype, IEnumerable<ulong> shape)
    {
        var length = (UInt128)(uint)BytesOf(dtype);
        foreach (var dimension in shape)
        {
            length *= dimension;
            if (length > long.MaxValue)
            {
                return null;
            }
        }

        return length == 0 && BytesOf(dtype) == 0 ? null : (ulong)length;
    }

    private static void CheckTensor(BlobTensor tensor, ulong areaBytes, string file)
    {
        if (tensor.Name.Length == 0)
        {
            throw new BlobFormatException(file, null, "the header has a tensor without a name");
        }

        if (BytesOf(tensor.Dtype) == 0)
        {
            throw new BlobFormatException(file, tensor.Name, $"the element type {(int)tensor.Dtype} is unknown");
        }

        if (tensor.Shape.Count > MaxDimensions)
        {
            throw new BlobFormatException(file, tensor.Name, $"it has {tensor.Shape.Count} dimensions, more than {MaxDimensions}");
        }

        if (LengthOf(tensor.Dtype, tensor.Shape) != tensor.Length)
        {
            throw new BlobFormatException(file, tensor.Name, $"its length of {tensor.Length} bytes is not that of its shape [{string.Join(", ", tensor.Shape)}] and element type {tensor.Dtype}");
        }

        if (tensor.Offset % Alignment != 0)
        {
            throw new BlobFormatException(file, tensor.Name, $"its offset {tensor.Offset} is not a multiple of {Alignment}");
        }

        if (tensor.Offset > areaBytes || tensor.Length > areaBytes - tensor.Offset)
        {
            throw new BlobFormatException(file, tensor.Name, $"its bytes {tensor.Offset} to {(UInt128)tensor.Offset + tensor.Length} lie outside the tensor area of {areaBytes} bytes");
        }
    }

    private static void CheckArea(BlobHeader header, ulong areaBytes, string file)
    {
        var end = 0UL;
        BlobTensor? previous = null;
        foreach (var tensor in header.Tensors.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Length))
        {
            if (tensor.Offset < end)
            {
                throw new BlobFormatException(file, tensor.Name, $"it overlaps tensor '{previous!.Name}'");
            }

            end = tensor.Offset + tensor.Length;
            previous = tensor;
        }

        if (Align(end) != areaBytes)
        {
            throw new BlobFormatException(file, null, $"its tensor area has {areaBytes} bytes where the header's tensors end at {Align(end)}");
        }
    }

    /// <summary>The bytes of values as they lie in a blob (little-endian, as every platform that we run on).</summary>
    public static ReadOnlySpan<byte> AsBytes<T>(ReadOnlySpan<T> values)
        where T : unmanaged
        => MemoryMarshal.AsBytes(values);
}
