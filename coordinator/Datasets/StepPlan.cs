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
    private readonly ulong _saveEvery;

    private StepPlan(JobSpec job, PreparedDataset data, CancellationToken cancellationToken)
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
        _evaluateEvery = data.Eval is null ? null : Every(_training.EvalSteps, TotalSteps);
        _saveEvery = Every(_training.SaveSteps, TotalSteps);
        var measure = StepMeasure.Take(_order, _planner, _train.Lengths, TotalSteps, _end, cancellationToken);
        (MinMicroBatchesPerStep, MaxMicroBatchesPerStep) = (measure.MinMicroBatches, measure.MaxMicroBatches);
        MicroBatchTokens = _planner.Tokens ?? measure.MaxTokens;
        MaxMicroBatchTokens = StepMeasure.Held(Math.Max(measure.MaxTokens, MaxEvaluationTokens(data.Eval)), _planner);
    }

    /// <summary>Number of steps of the job; they are numbered from 1.</summary>
    public ulong TotalSteps { get; }

    /// <summary>Token budget of a training micro-batch (where micro_batch_size rules: a bound on its tokens).</summary>
    public int MicroBatchTokens { get; }

    /// <summary>No micro-batch of training and evaluation has more tokens: the bound of every tensor that workers declare.</summary>
    public int MaxMicroBatchTokens { get; }

    /// <summary>Fewest micro-batches of a step, of all steps or of those that <see cref="StepMeasure"/> looks at.</summary>
    public int MinMicroBatchesPerStep { get; }

    /// <summary>Most micro-batches of a step, of all steps or of those that <see cref="StepMeasure"/> looks at.</summary>
    public int MaxMicroBatchesPerStep { get; }

    /// <summary>The evaluation split cut into micro-batches once; empty without one.</summary>
    public IReadOnlyList<MicroBatch> Evaluation { get; }

    /// <exception cref="InvalidInputException">A sample is longer than an explicit micro_batch_tokens, or a micro-batch would be larger than any worker can hold.</exception>
    /// <remarks>Takes a second or two at most, whatever the number of steps. Prepared training samples have a label token each, so every step has one.</remarks>
    public static StepPlan Create(JobSpec job, PreparedDataset data, CancellationToken cancellationToken) => new(job, data, cancellationToken);

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
            SaveAfter = SavesAfter(step),
        };
    }

    /// <summary>The rate before rounding: what metrics.jsonl shows.</summary>
    public double LearningRateAt(ulong step) => _schedule.At(step);

    /// <summary>Passes over the data after this step: samples taken until then / samples; 0 after step 0.</summary>
    public double EpochAfter(ulong step) => SamplesAfter(step) / (double)_train.Lengths.Length;

    /// <summary>Samples taken from the start of the job to the end of this step, over all epochs.</summary>
    public ulong SamplesAfter(ulong step) => _order.TakenAfter(step, _end);

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

    /// <summary>True after every save_steps-th step and after the last one.</summary>
    public bool SavesAfter(ulong step) => step % _saveEvery == 0 || step == TotalSteps;

    // transformers: a fraction of all steps is rounded up to a whole number of steps.
    private static ulong Every(double stepsOrShare, ulong totalSteps)
        => Math.Max(1, (ulong)Math.Ceiling(stepsOrShare < 1 ? totalSteps * stepsOrShare : stepsOrShare));

    private ulong LabelTokensOf(IReadOnlyList<int> samples)
    {
        var labels = 0UL;
        foreach (var sample in samples)
        {
            labels += (ulong)_train.LabelCounts[sample];
        }

        return labels;
    }

    private long MaxEvaluationTokens(PreparedSplit? eval) =>
        eval is null ? 0 : Evaluation.Max(microBatch => StepMeasure.TokensOf(microBatch, eval.Lengths));
}
