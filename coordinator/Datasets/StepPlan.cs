using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Every step of a job as plain data: a pure function of the job and its prepared data, never of the fleet.</summary>
/// <remarks>Not for concurrent use: it keeps the order of the newest epoch asked for. Steps asked for in ascending order cost least.</remarks>
internal sealed class StepPlan
{
    private readonly TrainingSpec _training;
    private readonly PreparedSplit _train;
    private readonly DataOrder _order;
    private readonly MicroBatchPlanner _planner;
    private readonly LearningRateSchedule _schedule;
    private readonly ulong? _end;
    private readonly ulong? _evaluateEvery;

    private StepPlan(JobSpec job, PreparedDataset data)
    {
        _training = job.Training;
        _train = data.Train;
        _order = new DataOrder(_train.Lengths.Length, _training.GlobalBatchSize, _training.Seed, job.Data.Shuffle);
        TotalSteps = _training.MaxSteps is { } steps ? (ulong)steps : _order.StepsOf(_training.Epochs);
        // Whole and partial epochs end the stream of a job in file order; with max_steps it has no end.
        _end = _training.MaxSteps is null && !job.Data.Shuffle ? (ulong)Math.Ceiling(_training.Epochs * _train.Lengths.Length) : null;
        _planner = MicroBatchPlanner.ForTraining(_training, job.Data.Packing, _train.Lengths);
        _schedule = LearningRateSchedule.Create(_training, TotalSteps);
        Evaluation = data.Eval is { } eval ? _planner.ForEvaluation(_training, eval.Lengths).Cut([.. Enumerable.Range(0, eval.Lengths.Length)]) : [];
        _evaluateEvery = data.Eval is null ? null : EvaluateEvery(_training.EvalSteps, TotalSteps);
        MeasureSteps(data.Eval);
    }

    /// <summary>Number of steps of the job; they are numbered from 1.</summary>
    public ulong TotalSteps { get; }

    /// <summary>Token budget of a training micro-batch (the largest one's tokens where micro_batch_size rules).</summary>
    public int MicroBatchTokens { get; private set; }

    /// <summary>Tokens of the largest micro-batch of training and evaluation: the bound of every tensor that workers declare.</summary>
    public int MaxMicroBatchTokens { get; private set; }

    public int MinMicroBatchesPerStep { get; private set; } = int.MaxValue;

    public int MaxMicroBatchesPerStep { get; private set; }

    /// <summary>The evaluation split cut into micro-batches once; empty without one.</summary>
    public IReadOnlyList<MicroBatch> Evaluation { get; }

    /// <exception cref="InvalidInputException">A sample is longer than an explicit micro_batch_tokens, or a step would have no label token.</exception>
    public static StepPlan Create(JobSpec job, PreparedDataset data) => new(job, data);

    /// <summary>The step's message, with rate and bias corrections computed in fp64 and rounded to fp32 once.</summary>
    public Step StepAt(ulong step)
    {
        var samples = SamplesOf(step);
        var adam = _training.Optimizer == OptimizerKind.Adamw;
        return new Step
        {
            Number = step,
            LearningRate = (float)LearningRateAt(step),
            BiasCorrection1 = adam ? (float)(1 - Math.Pow(_training.AdamBeta1, step)) : 1,
            BiasCorrection2 = adam ? (float)(1 - Math.Pow(_training.AdamBeta2, step)) : 1,
            LabelTokens = LabelTokensOf(samples),
            MicroBatches = { _planner.Cut(samples) },
            EvaluateAfter = EvaluatesAfter(step),
        };
    }

    /// <summary>The rate before rounding: what metrics.jsonl shows.</summary>
    public double LearningRateAt(ulong step) => _schedule.At(step);

    /// <summary>Passes over the data after this step: samples taken until then / samples; 0 after step 0.</summary>
    public double EpochAfter(ulong step) => _order.TakenAfter(step, _end) / (double)_train.Lengths.Length;

    /// <summary>Tokens of the step's samples, with and without loss.</summary>
    public ulong TokensOf(ulong step)
    {
        var tokens = 0UL;
        foreach (var sample in SamplesOf(step))
        {
            tokens += (ulong)_train.Lengths[sample];
        }

        return tokens;
    }

    /// <summary>The samples of a step in the data's order, before they are packed.</summary>
    public int[] SamplesOf(ulong step)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(step, TotalSteps);
        return _order.SamplesOf(step, _end);
    }

    /// <summary>True after every eval_steps-th step and after the last one, where there is an evaluation split.</summary>
    public bool EvaluatesAfter(ulong step) => _evaluateEvery is { } every && (step % every == 0 || step == TotalSteps);

    // transformers: a fraction of all steps is rounded up to a whole number of steps.
    private static ulong EvaluateEvery(double evalSteps, ulong totalSteps)
        => Math.Max(1, (ulong)Math.Ceiling(evalSteps < 1 ? totalSteps * evalSteps : evalSteps));

    private ulong LabelTokensOf(IReadOnlyList<int> samples)
    {
        var labels = 0UL;
        foreach (var sample in samples)
        {
            labels += (ulong)_train.LabelCounts[sample];
        }

        return labels;
    }

    private static int TokensOf(MicroBatch microBatch, int[] lengths) => microBatch.Samples.Sum(sample => lengths[(int)sample]);

    private void MeasureSteps(PreparedSplit? eval)
    {
        var largest = 0;
        for (var step = 1UL; step <= TotalSteps; step++)
        {
            var samples = SamplesOf(step);
            if (LabelTokensOf(samples) == 0)
            {
                throw new InvalidInputException($"No sample of step {step} has a label token, so it would have no loss; raise training.global_batch_size or give those samples labels.");
            }

            var microBatches = _planner.Cut(samples);
            largest = Math.Max(largest, microBatches.Max(microBatch => TokensOf(microBatch, _train.Lengths)));
            MinMicroBatchesPerStep = Math.Min(MinMicroBatchesPerStep, microBatches.Count);
            MaxMicroBatchesPerStep = Math.Max(MaxMicroBatchesPerStep, microBatches.Count);
        }

        MicroBatchTokens = _planner.Tokens ?? largest;
        MaxMicroBatchTokens = Math.Max(largest, eval is null ? 0 : Evaluation.Max(microBatch => TokensOf(microBatch, eval.Lengths)));
    }
}
