using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The part of the training samples that becomes the evaluation split: chosen by the job's seed, both parts in file order.</summary>
internal sealed record HoldOut(double Share, ulong Seed)
{
    /// <summary>No epoch has this number, so the choice is independent of every epoch's order.</summary>
    private const ulong Epoch = ulong.MaxValue;

    public static HoldOut? Of(JobSpec job) => job.Data.EvalSplit is { } share ? new HoldOut(share, job.Training.Seed) : null;

    /// <summary>Training indices, then evaluation indices.</summary>
    /// <exception cref="InvalidInputException">There is only one sample.</exception>
    public IReadOnlyList<int>[] Divide(int samples)
    {
        if (samples < 2)
        {
            throw new InvalidInputException("data.eval_split needs at least two samples in data.train.");
        }

        var held = Math.Clamp((int)Math.Round(samples * Share, MidpointRounding.AwayFromZero), 1, samples - 1);
        var chosen = DataOrder.Permutation(samples, Seed, Epoch);
        Array.Sort(chosen, 0, held);
        Array.Sort(chosen, held, samples - held);
        return [chosen[held..], chosen[..held]];
    }
}
