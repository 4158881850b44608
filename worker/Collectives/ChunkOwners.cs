using System.Collections.Immutable;

namespace Orchestrator.Worker.Collectives;

/// <summary>Which replica finishes which chunks of a stage: contiguous ranges, balanced by elements.</summary>
/// <remarks>Pure. Who owns a chunk changes no bit of it: only who adds it up.</remarks>
internal sealed class ChunkOwners
{
    private readonly int[] _first;

    public ChunkOwners(ImmutableArray<GradientChunk> chunks, int numReplicas)
    {
        Chunks = chunks;
        NumReplicas = numReplicas;
        _first = Cut(chunks, numReplicas);
    }

    public ImmutableArray<GradientChunk> Chunks { get; }

    public int NumReplicas { get; }

    /// <summary>The chunks that a replica owns, in order; may be none.</summary>
    public ReadOnlySpan<GradientChunk> ChunksOf(int replica) => Chunks.AsSpan()[_first[replica].._first[replica + 1]];

    /// <summary>The elements from a replica's first owned chunk to the end of its last one, padding between parameters included.</summary>
    public (long Offset, long Length) RangeOf(int replica)
    {
        var owned = ChunksOf(replica);
        return owned.IsEmpty ? (0, 0) : (owned[0].Offset, owned[^1].Offset + owned[^1].Length - owned[0].Offset);
    }

    // A chunk belongs to the replica in whose share of all elements its middle lies.
    private static int[] Cut(ImmutableArray<GradientChunk> chunks, int numReplicas)
    {
        var total = chunks.Sum(chunk => (long)chunk.Length);
        var first = new int[numReplicas + 1];
        long before = 0;
        var owner = 0;
        for (var i = 0; i < chunks.Length; i++)
        {
            var ofMiddle = (int)(((2 * before) + chunks[i].Length) * numReplicas / (2 * total));
            while (owner < Math.Min(ofMiddle, numReplicas - 1))
                first[++owner] = i;
            before += chunks[i].Length;
        }

        while (owner < numReplicas)
            first[++owner] = chunks.Length;
        return first;
    }
}
