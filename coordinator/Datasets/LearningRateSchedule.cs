using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The learning rate of every step, in fp64: transformers' constant (with warm-up), linear and cosine schedules.</summary>
/// <remarks>A pure function. Warm-up counts from 0: the first of w warm-up steps has rate 0, the first step after them the peak.</remarks>
internal sealed class LearningRateSchedule(LearningRateScheduler scheduler, double peak, ulong warmupSteps, ulong totalSteps)
{
    public ulong WarmupSteps => warmupSteps;

    public static LearningRateSchedule Create(TrainingSpec training, ulong totalSteps)
        => new(training.LrScheduler, training.LearningRate, WarmupOf(training, totalSteps), totalSteps);

    /// <summary>The rate that step (from 1) uses.</summary>
    public double At(ulong step)
    {
        var done = step - 1;
        if (done < warmupSteps)
        {
            return peak * ((double)done / Math.Max(1, warmupSteps));
        }

        var decaySteps = (double)Math.Max(1, totalSteps > warmupSteps ? totalSteps - warmupSteps : 0);
        return scheduler switch
        {
            LearningRateScheduler.Constant => peak,
            LearningRateScheduler.Linear => peak * Math.Max(0, (totalSteps - (double)done) / decaySteps),
            LearningRateScheduler.Cosine => peak * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * ((done - warmupSteps) / decaySteps)))),
            _ => throw new ArgumentOutOfRangeException(nameof(step), scheduler, "Unknown scheduler."),
        };
    }

    // transformers: given steps win over the ratio, and a fraction of a step is a whole one.
    private static ulong WarmupOf(TrainingSpec training, ulong totalSteps)
        => training.WarmupSteps is { } steps ? (ulong)steps : (ulong)Math.Ceiling(totalSteps * training.WarmupRatio);
}
