using System.Numerics;

namespace Orchestrator.Protos.Steps;

/// <summary>How many slots a step's micro-batches are cut into: what bounds the replicas that have something to compute, and the shape of the tree of sums.</summary>
/// <remarks>A function of the job alone, so that the same additions are made on every layout. Pure.</remarks>
public static class SlotCount
{
    /// <summary>The largest power of two that is at most the step's micro-batches and at most reduction_slots.</summary>
    /// <param name="microBatches">Micro-batches of the step, at least 1.</param>
    /// <param name="reductionSlots">The job's constant, a power of two.</param>
    public static int Of(int microBatches, int reductionSlots)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatches, 1);
        if (!BitOperations.IsPow2(reductionSlots))
            throw new ArgumentOutOfRangeException(nameof(reductionSlots), reductionSlots, "reduction_slots is a power of two");
        return Math.Min(reductionSlots, 1 << BitOperations.Log2((uint)microBatches));
    }
}
