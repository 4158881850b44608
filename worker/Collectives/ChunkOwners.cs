using System.Collections.Immutable;

namespace Orchestrator.Worker.Collectives;

/// <summary>Which replica finishes which chunks of a stage: contiguous ranges, balanced by what their owners receive.</summary>
/// <remarks>
/// Pure. Who owns a chunk changes no bit of it: only who adds it up. The others' slots are not always as many whole subtrees: of 16 slots on three replicas the outer two receive five, the middle one four, and
/// owns more for it.
/// </remarks>
internal sealed class ChunkOwners
{
    private readonly int[] _first;

    /// <param name="chunks">All chunks of the stage, in order.</param>
    /// <param name="numReplicas">Replicas of the layout.</param>
    /// <param name="reductionSlots">Slots of a step with many micro-batches.</param>
    public ChunkOwners(ImmutableArray<GradientChunk> chunks, int numReplicas, uint reductionSlots)
    {
        Chunks = chunks;
        NumReplicas = numReplicas;
        _first = Cut(chunks, Shares(numReplicas, reductionSlots));
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

    // One over the subtrees that the others send a replica, as whole numbers.
    private static long[] Shares(int numReplicas, uint reductionSlots)
    {
        const long Whole = 1 << 20;
        var full = SlotRule.For(checked((int)reductionSlots), reductionSlots);
        var sent = Enumerable.Range(0, numReplicas).Select(replica => full.SubtreesOf(replica, numReplicas).Count).ToArray();
        return [.. sent.Select(own => Whole / Math.Max(1, sent.Sum() - own))];
    }

    // A chunk belongs to the replica in whose share of all elements its middle lies.
    private static int[] Cut(ImmutableArray<GradientChunk> chunks, long[] shares)
    {
        Int128 total = chunks.Sum(chunk => (long)chunk.Length), whole = shares.Sum();
        var first = new int[shares.Length + 1];
        long before = 0, shared = shares[0];
        var owner = 0;
        for (var i = 0; i < chunks.Length; i++)
        {
            var middle = ((2 * before) + chunks[i].Length) * whole;
            while (owner < shares.Length - 1 && middle >= 2 * total * shared)
            {
                first[++owner] = i;
                shared += shares[owner];
            }

            before += chunks[i].Length;
        }

        while (owner < shares.Length)
            first[++owner] = chunks.Length;
        return first;
    }
}
