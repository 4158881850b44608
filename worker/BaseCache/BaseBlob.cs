using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Quantization;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.BaseCache;

/// <summary>A quantized weight as a blob: codes and scales as they lie in memory.</summary>
internal static unsafe class BaseBlob
{
    private const string Kind = "base-weight";
    private const string KeyFact = "key";
    private const string OriginFact = "origin";
    private const string Codes = "codes";
    private const string Scales = "scales";
    private const string Nested = "nested";
    private const string Offset = "offset";

    /// <summary>Writes a weight; not durable, for a blob that a power cut damaged is found by its digest.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder, string fileName, BaseKey key, string origin, QuantizedMatrix matrix)
    {
        var scales = matrix.Scales;
        List<BlobTensorSpec> tensors = [new(Codes, DType.U8, (ulong)matrix.CodeBytes), new(Scales, scales.IsNested ? DType.U8 : DType.F32, (ulong)scales.Count)];
        if (scales.IsNested)
            tensors.AddRange([new(Nested, DType.F32, (ulong)scales.NestedValues.Length), new(Offset, DType.F32, 1)]);
        Dictionary<string, string> facts = new(StringComparer.Ordinal) { [KeyFact] = key.Hex, [OriginFact] = origin };
        using var writer = BlobWriter.Create(folder, Kind, facts, tensors);
        for (long at = 0; at < matrix.CodeBytes; at += int.MaxValue)
            writer.Write(Codes, new ReadOnlySpan<byte>(matrix.Codes + at, (int)Math.Min(int.MaxValue, matrix.CodeBytes - at)));
        if (scales.IsNested)
        {
            writer.Write(Scales, scales.Codes);
            writer.Write(Nested, MemoryMarshal.AsBytes(scales.NestedValues));
            var offset = scales.Offset;
            writer.Write(Offset, MemoryMarshal.AsBytes(new ReadOnlySpan<float>(in offset)));
        }
        else
        {
            writer.Write(Scales, MemoryMarshal.AsBytes(scales.Values));
        }

        writer.CompleteForThisBoot(fileName);
    }

    /// <summary>What a weight takes on disk, but for the header.</summary>
    public static ulong BytesOf(QuantizedMatrix matrix) => (ulong)matrix.Bytes;

    /// <summary>What the blob of a slice takes at most, header and all.</summary>
    public static ulong MostBytesOf(TensorSlice slice, QuantizationSpec quantization)
    {
        const ulong BesideTensors = 1 << 20;
        var count = slice.Shape.Aggregate(1UL, (product, n) => checked(product * n));
        return (count / 2) + (count / quantization.BlockSize * sizeof(float)) + BesideTensors;
    }

    /// <summary>Who wrote a blob.</summary>
    public static string OriginOf(BlobReader blob) => blob.Header.Facts.GetValueOrDefault(OriginFact) ?? "";

    /// <summary>Checks that a blob is what its name says.</summary>
    /// <exception cref="BlobFormatException">It is another kind of blob, or another weight's.</exception>
    public static void Check(BlobReader blob, BaseKey key)
    {
        if (blob.Header.Kind != Kind)
            throw new BlobFormatException(blob.FilePath, null, $"it is of kind '{blob.Header.Kind}', no quantized base weight");
        if (blob.Header.Facts.GetValueOrDefault(KeyFact) != key.Hex)
            throw new BlobFormatException(blob.FilePath, null, $"it holds the weight {blob.Header.Facts.GetValueOrDefault(KeyFact)} where {key} was expected");
    }

    /// <summary>The weight of a checked blob, in memory of its own.</summary>
    /// <exception cref="BlobFormatException">It does not hold the tensors that the weight has.</exception>
    public static QuantizedMatrix Read(BlobReader blob, string name, IReadOnlyList<long> shape, QuantizationSpec quantization)
    {
        var count = shape.Aggregate(1L, (product, n) => checked(product * n));
        var numBlocks = (count + quantization.BlockSize - 1) / quantization.BlockSize;
        var codes = Copy(blob, Codes, DType.U8, (count + 1) / 2);
        try
        {
            return QuantizedMatrix.Restore(name, shape, quantization, codes, ScalesOf(blob, numBlocks, quantization.DoubleQuant));
        }
        catch
        {
            codes.Dispose();
            throw;
        }
    }

    private static BlockScales ScalesOf(BlobReader blob, long numBlocks, bool nested)
    {
        var values = Copy(blob, Scales, nested ? DType.U8 : DType.F32, numBlocks);
        if (!nested)
            return BlockScales.Plain(values);
        try
        {
            var offset = *(float*)AddressOf(blob, Offset, DType.F32, 1);
            return BlockScales.Restore(numBlocks, values, Copy(blob, Nested, DType.F32, (numBlocks + BlockScales.NestedBlock - 1) / BlockScales.NestedBlock), offset);
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    private static NativeBuffer Copy(BlobReader blob, string tensor, DType dtype, long elements)
    {
        var source = AddressOf(blob, tensor, dtype, elements);
        var bytes = (long)blob.Tensor(tensor).Length;
        var buffer = new NativeBuffer(bytes, cleared: true);
        Buffer.MemoryCopy(source, buffer.Pointer, bytes, bytes);
        return buffer;
    }

    private static byte* AddressOf(BlobReader blob, string tensor, DType dtype, long elements)
    {
        var found = blob.Tensor(tensor);
        return found.Dtype == dtype && found.Shape.Count == 1 && found.Shape[0] == (ulong)elements
            ? (byte*)blob.Address(tensor)
            : throw new BlobFormatException(blob.FilePath, tensor, $"it has {found.Dtype} [{string.Join(", ", found.Shape)}] where the weight has {dtype} [{elements}]");
    }
}
