using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>Counts evaluation samples that are training samples too: token for token.</summary>
/// <remarks>Compares digests of 128 bits, of which only those of the evaluation split are held.</remarks>
internal static class EvalOverlap
{
    public static int Count(PreparedSplit train, PreparedSplit eval)
    {
        var wanted = new Dictionary<UInt128, int>();
        ForEach(eval, digest => wanted[digest] = wanted.GetValueOrDefault(digest) + 1);
        var found = 0;
        ForEach(train, digest =>
        {
            if (wanted.Remove(digest, out var samples))
            {
                found += samples;
            }
        });
        return found;
    }

    private static unsafe void ForEach(PreparedSplit split, Action<UInt128> action)
    {
        using var blob = BlobReader.Open(split.Path, split.Shard.Sha256, verify: false);
        // By address: the ids of a large split are more than a span can hold.
        var ids = (int*)blob.Address("input_ids");
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        foreach (var length in split.Lengths)
        {
            SHA256.HashData(MemoryMarshal.AsBytes(new ReadOnlySpan<int>(ids, length)), digest);
            action(MemoryMarshal.Read<UInt128>(digest));
            ids += length;
        }
    }
}
