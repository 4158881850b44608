using Orchestrator.Protos;

namespace Orchestrator.Worker.Stages;

/// <summary>What this incarnation of the worker has done for a job, whatever stage it held.</summary>
/// <remarks>Compute thread only.</remarks>
internal sealed class JobCounters
{
    private ulong _furthestStep;

    public WorkerTotals Totals { get; } = new();

    /// <summary>The micro-batches of a step were run: they count as run once, and as repeated if a step as late was run before.</summary>
    public void Ran(ulong step, int microBatches)
    {
        if (step <= _furthestStep)
            Totals.MicroBatchesRepeated += (ulong)microBatches;
        else
            Totals.MicroBatchesRun += (ulong)microBatches;
        _furthestStep = Math.Max(_furthestStep, step);
    }
}
