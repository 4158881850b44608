using System.Buffers;
using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads what the planner must know out of a shard's tensors, part by part: a data set may be larger than one span, or than memory.</summary>
internal static class ShardTensors
{
    private const int PartValues = 1 << 16;

    /// <summary>Tokens of each sample, from the tensor "offsets".</summary>
    /// <exception cref="BlobFormatException">The offsets do not go up from 0 to the number of labels.</exception>
    public static int[] Lengths(BlobReader blob)
    {
        var offsets = Require(blob, "offsets", DType.I64) / sizeof(long);
        var tokens = Require(blob, "labels", DType.I32) / sizeof(int);
        if (offsets == 0 || offsets > (ulong)Array.MaxLength)
        {
            throw new BlobFormatException(blob.FilePath, "offsets", $"{offsets} are no offsets of samples");
        }

        using var stream = blob.OpenStream("offsets");
        return Lengths(stream, new int[(int)offsets - 1], tokens, blob.FilePath);
    }

    /// <summary>Used labels of each sample, from the tensor "labels".</summary>
    public static int[] LabelCounts(BlobReader blob, int[] lengths)
    {
        using var labels = blob.OpenStream("labels");
        return LabelCounts(labels, lengths);
    }

    /// <summary>Used labels of each sample: those that have a position before them in the sample.</summary>
    /// <param name="labels">The labels of all samples, one after the other; may be longer than 2 GiB.</param>
    /// <param name="lengths">Tokens of each sample.</param>
    internal static int[] LabelCounts(Stream labels, int[] lengths)
    {
        var counts = new int[lengths.Length];
        var part = ArrayPool<int>.Shared.Rent(PartValues);
        for (var sample = 0; sample < lengths.Length; sample++)
        {
            for (var read = 0; read < lengths[sample];)
            {
                var values = part.AsSpan(0, Math.Min(PartValues, lengths[sample] - read));
                labels.ReadExactly(MemoryMarshal.AsBytes(values));
                var predicted = read == 0 ? values[1..] : values;
                counts[sample] += predicted.Length - predicted.Count(TokensRow.NoLoss);
                read += values.Length;
            }
        }

        ArrayPool<int>.Shared.Return(part);
        return counts;
    }

    private static int[] Lengths(Stream offsets, int[] lengths, ulong tokens, string path)
    {
        var part = ArrayPool<long>.Shared.Rent(PartValues);
        var previous = ReadPart(offsets, part.AsSpan(0, 1))[0];
        var startsAtZero = previous == 0;
        for (var read = 0; read < lengths.Length;)
        {
            var values = ReadPart(offsets, part.AsSpan(0, Math.Min(PartValues, lengths.Length - read)));
            foreach (var offset in values)
            {
                if (offset < previous || offset - previous > int.MaxValue)
                {
                    throw new BlobFormatException(path, "offsets", "they do not ascend by a sample's tokens");
                }

                lengths[read++] = (int)(offset - previous);
                previous = offset;
            }
        }

        ArrayPool<long>.Shared.Return(part);
        return startsAtZero && (ulong)previous == tokens
            ? lengths
            : throw new BlobFormatException(path, "offsets", $"they do not go from 0 to the {tokens} labels");
    }

    private static Span<long> ReadPart(Stream offsets, Span<long> part)
    {
        offsets.ReadExactly(MemoryMarshal.AsBytes(part));
        return part;
    }

    private static ulong Require(BlobReader blob, string tensor, DType dtype) => blob.Tensor(tensor) is { } found && found.Dtype == dtype
        ? found.Length
        : throw new BlobFormatException(blob.FilePath, tensor, $"its element type is {blob.Tensor(tensor).Dtype} where {dtype} was expected");
}
