using System.Runtime.InteropServices;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Worker.Collectives;

/// <summary>Which micro-batch's gradient is added where: the order of a step's additions, the same on every layout.</summary>
/// <remarks>
/// A step's M micro-batches are cut into S contiguous slots, S by <see cref="SlotCount"/>.
/// Inside a slot gradients are added from the lowest micro-batch to the highest; slots combine by the perfect binary tree over S leaves.
/// A replica owns contiguous slots, so it adds whole subtrees, and how many replicas there are changes who adds, never what is added to what.
/// Pure.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SlotRule
{
    private SlotRule(int microBatches, int slots)
    {
        MicroBatches = microBatches;
        Slots = slots;
    }

    public int MicroBatches { get; }

    public int Slots { get; }

    /// <param name="microBatches">Micro-batches of the step, at least 1.</param>
    /// <param name="reductionSlots">The job's constant, a power of two.</param>
    public static SlotRule For(int microBatches, uint reductionSlots) => new(microBatches, SlotCount.Of(microBatches, checked((int)reductionSlots)));

    public int SlotOf(int microBatch) => (int)((long)microBatch * Slots / MicroBatches);

    /// <summary>Whether a micro-batch is the last one of its slot.</summary>
    public bool EndsSlot(int microBatch) => microBatch + 1 == MicroBatches || SlotOf(microBatch + 1) != SlotOf(microBatch);

    /// <summary>First slot of a replica; the slots end where the next replica's begin. May be empty when there are fewer slots than replicas.</summary>
    public int FirstSlotOf(int replica, int numReplicas) => (int)((long)replica * Slots / numReplicas);

    /// <summary>The micro-batches of a replica's slots: contiguous, in order.</summary>
    public IReadOnlyList<int> MicroBatchesOf(int replica, int numReplicas)
    {
        int first = FirstSlotOf(replica, numReplicas), end = FirstSlotOf(replica + 1, numReplicas);
        var rule = this;
        return [.. Enumerable.Range(0, MicroBatches).Where(microBatch => rule.SlotOf(microBatch) >= first && rule.SlotOf(microBatch) < end)];
    }

    /// <summary>A replica's largest whole subtrees, from the lowest slot to the highest: what it sends.</summary>
    public IReadOnlyList<Subtree> SubtreesOf(int replica, int numReplicas)
    {
        int slot = FirstSlotOf(replica, numReplicas), end = FirstSlotOf(replica + 1, numReplicas);
        var subtrees = new List<Subtree>();
        while (slot < end)
        {
            var size = 1;
            while (slot % (2 * size) == 0 && slot + (2 * size) <= end)
                size *= 2;
            subtrees.Add(new Subtree(slot, size));
            slot += size;
        }

        return subtrees;
    }
}
