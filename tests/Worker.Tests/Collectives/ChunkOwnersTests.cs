using System.Collections.Immutable;
using FsCheck.Xunit;
using Orchestrator.Worker.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

public sealed class ChunkOwnersTests
{
    [Property]
    public void Owners_AnyChunks_HaveDisjointContiguousRangesThatCoverAll(ushort[] lengths, byte replicas)
    {
        var numReplicas = 1 + (replicas % 9);
        var chunks = Chunks(lengths);
        var owners = new ChunkOwners(chunks, numReplicas);
        var covered = Enumerable.Range(0, numReplicas).SelectMany(replica => owners.ChunksOf(replica).ToArray());
        Assert.Equal(chunks, covered);
    }

    [Property]
    public void Owners_AnyChunks_AreBalancedWithinOneChunk(ushort[] lengths, byte replicas)
    {
        var numReplicas = 1 + (replicas % 9);
        var chunks = Chunks(lengths);
        var owners = new ChunkOwners(chunks, numReplicas);
        var total = chunks.Sum(chunk => (long)chunk.Length);
        var largest = chunks.Select(chunk => (long)chunk.Length).DefaultIfEmpty().Max();
        for (var replica = 0; replica < numReplicas; replica++)
        {
            long owned = 0;
            foreach (var chunk in owners.ChunksOf(replica))
                owned += chunk.Length;
            Assert.InRange(owned, (total / numReplicas) - largest - 1, (total / numReplicas) + largest + 1);
        }
    }

    private static ImmutableArray<GradientChunk> Chunks(ushort[] lengths)
    {
        long offset = 0;
        var chunks = ImmutableArray.CreateBuilder<GradientChunk>();
        foreach (var length in lengths.Select(length => 1 + length))
        {
            chunks.Add(new GradientChunk((uint)chunks.Count, offset, length));
            offset += (length + 15) / 16 * 16;
        }

        return chunks.ToImmutable();
    }
}
