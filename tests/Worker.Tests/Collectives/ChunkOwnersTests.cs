using System.Collections.Immutable;
using FsCheck.Xunit;
using Orchestrator.Worker.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

public sealed class ChunkOwnersTests
{
    private const uint Slots = 16;

    [Property]
    public void Owners_AnyChunks_HaveDisjointContiguousRangesThatCoverAll(ushort[] lengths, byte replicas)
    {
        var numReplicas = 1 + (replicas % 9);
        var chunks = Chunks(lengths);
        var owners = new ChunkOwners(chunks, numReplicas, Slots);
        var covered = Enumerable.Range(0, numReplicas).SelectMany(replica => owners.ChunksOf(replica).ToArray());
        Assert.Equal(chunks, covered);
    }

    /// <summary>Equal shares where all receive as many subtrees: a power of two of replicas.</summary>
    [Property]
    public void Owners_OfEqualReplicas_AreBalancedWithinOneChunk(ushort[] lengths, byte replicas)
    {
        var numReplicas = 1 << (replicas % 4);
        var chunks = Chunks(lengths);
        var owners = new ChunkOwners(chunks, numReplicas, Slots);
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

    /// <summary>Shares of a job in fp32, whose partial sums are fp64: no replica receives more than the bound of what a step may move.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(16)]
    public void Owners_OfAnyReplicas_ReceiveFewBytesOfWideSums(int numReplicas)
    {
        var chunks = Chunks([.. Enumerable.Repeat((ushort)999, 500)]);
        var owners = new ChunkOwners(chunks, numReplicas, Slots);
        var sent = Enumerable.Range(0, numReplicas).Select(replica => SlotRule.For(16, Slots).SubtreesOf(replica, numReplicas).Count).ToArray();
        var adapter = (double)chunks.Sum(chunk => chunk.Length) * sizeof(float);
        for (var replica = 0; replica < numReplicas; replica++)
        {
            var owned = owners.ChunksOf(replica).ToArray().Sum(chunk => (double)chunk.Length);
            var received = (owned * sizeof(double) * (sent.Sum() - sent[replica])) + adapter - (owned * sizeof(float));
            Assert.InRange(received, 1, 1.5 * adapter * (1 + Math.Log2(numReplicas)));
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
