using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Tests.Transfer;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Collectives;

public sealed unsafe class GradientReductionTests
{
    private const uint ReductionSlots = 16;
    private const int ChunkElements = 512;
    private static readonly int[] ParameterLengths = [700, 64, 1500, 513, 3, 2048];
    private static readonly JobScope Scope = new() { Job = "j", Generation = 1, Fence = 1 };

    public static TheoryData<int, int, DType> Layouts()
    {
        var data = new TheoryData<int, int, DType>();
        foreach (var microBatches in (int[])[1, 3, 7, 8, 13, 17, 33])
        {
            for (var replicas = 1; replicas <= 8; replicas++)
            {
                data.Add(replicas, microBatches, DType.F32);
                data.Add(replicas, microBatches, DType.F64);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Reduce_AnyNumberOfReplicas_GivesTheSameBitsEverywhere(int numReplicas, int microBatches, DType sums)
    {
        var alone = Reduce(1, microBatches, sums).Single();
        foreach (var result in Reduce(numReplicas, microBatches, sums))
        {
            Assert.Equal(alone.Gradient, result.Gradient);
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Reduce_AnyNumberOfReplicas_SumsEveryChunkOnceWithTheSameBits(int numReplicas, int microBatches, DType sums)
    {
        var alone = Reduce(1, microBatches, sums).Single();
        var squares = Reduce(numReplicas, microBatches, sums).SelectMany(result => result.Sums).OrderBy(sum => sum.Chunk);
        Assert.Equal(alone.Sums, squares);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Reduce_AnyNumberOfReplicas_ReceivesFewBytes(int numReplicas, int microBatches, DType sums)
    {
        var limit = 1.5 * FlatLength() * sizeof(float) * (1 + Math.Log2(numReplicas));
        // A share is whole chunks, and these are few: half of one may be too much, with a sum from each of five subtrees.
        if (sums == DType.F64)
            limit += ChunkElements / 2 * 5 * sizeof(double);
        foreach (var result in Reduce(numReplicas, microBatches, sums))
        {
            Assert.InRange(result.BytesReceived, numReplicas == 1 ? 0 : 1, limit);
        }
    }

    // The test of the test: sums a replica, added in replica order, are not the same bits.
    [Fact]
    public void Reduce_OneSumAReplica_GivesOtherBits()
    {
        var alone = Reduce(1, 13, sums: null).Single();
        Assert.NotEqual(alone.Gradient, Reduce(3, 13, sums: null)[0].Gradient);
    }

    // What fp64 is for: with one slot or sixteen, so with micro-batches cut in any way, the reduced gradient is the same but for the rarest element.
    [Fact]
    public void Reduce_WideSumsInAnotherTree_RoundToTheSameGradient()
    {
        var (one, many) = (Reduce(1, 33, DType.F64, 1).Single(), Reduce(1, 33, DType.F64).Single());
        Assert.Equal(one.Gradient, many.Gradient);
        Assert.NotEqual(Reduce(1, 33, DType.F32, 1).Single().Gradient, Reduce(1, 33, DType.F32).Single().Gradient);
    }

    private sealed record Result(byte[] Gradient, IReadOnlyList<ChunkSum> Sums, long BytesReceived);

    /// <param name="numReplicas">Replicas, each on a thread.</param>
    /// <param name="microBatches">Micro-batches of the step.</param>
    /// <param name="sums">What partial sums are held in; null: one fp32 sum a replica and no slots.</param>
    /// <param name="slots">Most slots of a step.</param>
    private static Result[] Reduce(int numReplicas, int microBatches, DType? sums, uint slots = ReductionSlots)
    {
        var owners = new ChunkOwners(Chunks(), numReplicas, ReductionSlots);
        var peers = new InMemoryPeers();
        for (var replica = 0; replica < numReplicas; replica++)
            peers[replica].Tensors.Open("j", 1, new TransferLimits(0, (ulong)FlatLength() * sizeof(double)));
        var results = new Result[numReplicas];
        var threads = Enumerable.Range(0, numReplicas).Select(replica => new Thread(() =>
        {
            var group = new ReductionGroup(Scope, replica, 0, 1, owners, sums ?? DType.F32);
            results[replica] = sums is null ? SumAReplica(group, microBatches) : RunReplica(group, peers[replica], SlotRule.For(microBatches, slots));
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(30)), "a replica hangs"));
        return results;
    }

    private static Result RunReplica(ReductionGroup group, InMemoryPeer peer, SlotRule rule)
    {
        var reduction = new GradientReduction(group, peer, peer.Tensors, ChunkKernels.SumOfSquares);
        var stack = new SubtreeStack<TensorBuffer>((left, right) =>
        {
            Add(left, right, group.Sums);
            right.Dispose();
        });
        foreach (var slot in rule.MicroBatchesOf(group.Replica, group.NumReplicas).GroupBy(rule.SlotOf))
        {
            var sum = Zero(group.Sums);
            foreach (var microBatch in slot)
                AddMicroBatch(sum, microBatch, group.Sums);
            stack.Push(new Subtree(slot.Key, 1), sum);
        }

        var own = stack.TakeAll();
        foreach (var (subtree, sum) in own)
            reduction.Scatter(1, subtree, sum.Pointer);
        var result = own.Count > 0 && group.Sums == DType.F32 ? own[0].Sum : Zero(DType.F32);
        var sums = reduction.FinishOwned(1, rule, own.ToDictionary(entry => entry.Subtree, entry => (nint)entry.Sum.Pointer), (float*)result.Pointer, null, CancellationToken.None);
        reduction.Gather(1, (float*)result.Pointer, null, CancellationToken.None);
        // Only their addresses were given away, and their memory goes with them.
        GC.KeepAlive(own);
        Assert.Equal((ulong)peer.GradientBytesReceived, reduction.BytesReceived);
        return new Result(Bytes(result), sums, peer.GradientBytesReceived);
    }

    // What a trainer without the rule does: every replica adds its share, the shares are added in replica order.
    private static Result SumAReplica(ReductionGroup group, int microBatches)
    {
        var rule = SlotRule.For(microBatches, ReductionSlots);
        var total = Zero(DType.F32);
        for (var replica = 0; replica < group.NumReplicas; replica++)
        {
            using var sum = Zero(DType.F32);
            foreach (var microBatch in rule.MicroBatchesOf(replica, group.NumReplicas))
                AddMicroBatch(sum, microBatch, DType.F32);
            Add(total, sum, DType.F32);
        }

        return new Result(Bytes(total), [], 0);
    }

    private static void AddMicroBatch(TensorBuffer sum, int microBatch, DType sums)
    {
        var random = new Random(1000 + microBatch);
        using var gradient = Zero(sums);
        foreach (var chunk in Chunks())
        {
            for (var i = 0; i < chunk.Length; i++)
            {
                var value = (float)((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-12, 4)));
                if (sums == DType.F64)
                    ((double*)gradient.Pointer)[chunk.Offset + i] = value;
                else
                    ((float*)gradient.Pointer)[chunk.Offset + i] = value;
            }
        }

        Add(sum, gradient, sums);
    }

    private static void Add(TensorBuffer target, TensorBuffer addend, DType sums)
    {
        if (sums == DType.F64)
            ChunkKernels.Add(new Span<double>(target.Pointer, (int)FlatLength()), new ReadOnlySpan<double>(addend.Pointer, (int)FlatLength()));
        else
            ChunkKernels.Add(new Span<float>(target.Pointer, (int)FlatLength()), new ReadOnlySpan<float>(addend.Pointer, (int)FlatLength()));
    }

    private static TensorBuffer Zero(DType dtype)
    {
        var buffer = new TensorBuffer(FlatLength() * BlobLayout.BytesOf(dtype));
        NativeMemory.Clear(buffer.Pointer, (nuint)buffer.Bytes);
        return buffer;
    }

    private static byte[] Bytes(TensorBuffer buffer) => buffer.Slice(0, (int)buffer.Bytes).ToArray();

    private static long FlatLength() => ParameterLengths.Sum(length => (length + 15L) / 16 * 16);

    private static ImmutableArray<GradientChunk> Chunks()
    {
        var chunks = ImmutableArray.CreateBuilder<GradientChunk>();
        long start = 0;
        foreach (var length in ParameterLengths)
        {
            for (var at = 0; at < length; at += ChunkElements)
                chunks.Add(new GradientChunk((uint)chunks.Count, start + at, Math.Min(ChunkElements, length - at)));
            start += (length + 15L) / 16 * 16;
        }

        return chunks.ToImmutable();
    }
}
