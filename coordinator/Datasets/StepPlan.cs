using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Every step of a job as plain data: a pure function of the job and its prepared data, never of the fleet.</summary>
/// <remarks>Safe for concurrent reads.</remarks>
internal sealed class StepPlan
{
    /// <summary>Number of steps of the job; they are numbered from 1.</summary>
    public ulong TotalSteps => throw new NotSupportedException();

    /// <summary>Token budget of a training micro-batch (the largest one's tokens where micro_batch_size rules).</summary>
    public int MicroBatchTokens => throw new NotSupportedException();

    /// <summary>Tokens of the largest micro-batch of training and evaluation: the bound of every tensor that workers declare.</summary>
    public int MaxMicroBatchTokens => throw new NotSupportedException();

    public int MinMicroBatchesPerStep => throw new NotSupportedException();

    public int MaxMicroBatchesPerStep => throw new NotSupportedException();

    /// <summary>The evaluation split cut into micro-batches once; empty without one.</summary>
    public IReadOnlyList<MicroBatch> Evaluation => throw new NotSupportedException();

    /// <exception cref="Cli.InvalidInputException">A sample is longer than an explicit micro_batch_tokens.</exception>
    public static StepPlan Create(JobSpec job, PreparedDataset data) => throw new NotSupportedException();

    /// <summary>The step's message, with rate and bias corrections rounded to fp32.</summary>
    public Step StepAt(ulong step) => throw new NotSupportedException();

    /// <summary>The rate before rounding: what metrics.jsonl shows.</summary>
    public double LearningRateAt(ulong step) => throw new NotSupportedException();

    /// <summary>Passes over the data after this step; 0 after step 0.</summary>
    public double EpochAfter(ulong step) => throw new NotSupportedException();

    /// <summary>Tokens of the step's samples, with and without loss.</summary>
    public ulong TokensOf(ulong step) => throw new NotSupportedException();
}
