namespace Orchestrator.Worker.Kernels;

/// <summary>One stream of Philox4x32-10: the key is the seed, the counter names the place in the job.</summary>
/// <param name="Seed">The job's seed.</param>
/// <param name="Purpose">Takes the top byte of the counter's last word.</param>
/// <param name="Step">Optimizer step; 0 for initial values. Below 2^32.</param>
/// <param name="MicroBatch">Index in the step. Below 2^24.</param>
/// <param name="Module">The adapter module's index in the job's order.</param>
/// <remarks>
/// Element e of a stream is word e mod 4 of the block with counter (e / 4, module, step, purpose | micro-batch), so any part of a
/// stream can be made again on its own, whatever the layout. Elements: below 2^34.
/// </remarks>
internal readonly record struct RandomStream(ulong Seed, RandomPurpose Purpose, ulong Step, uint MicroBatch, uint Module)
{
    /// <summary>The three upper counter words.</summary>
    public (uint C1, uint C2, uint C3) Counter()
    {
        if (MicroBatch >= 1u << 24)
            throw new InvalidOperationException("a step has at most 2^24 micro-batches");
        return (Module, checked((uint)Step), ((uint)Purpose << 24) | MicroBatch);
    }
}
