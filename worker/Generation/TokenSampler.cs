using Orchestrator.Protos;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Generation;

/// <summary>Chooses a token of a row of logits: the most likely one, or one drawn from the most likely ones that together hold top_p of the probability.</summary>
/// <remarks>
/// Temperature comes before top_p, as in transformers; of equal logits the lower id comes first. Probabilities and sums are fp64. A draw is a function of the logits and of (seed, stream,
/// place in the answer): nothing is kept between draws.
/// </remarks>
internal sealed class TokenSampler
{
    private readonly Sampling? _sampling;

    /// <param name="sampling">Null: always the most likely token.</param>
    public TokenSampler(Sampling? sampling)
    {
        if (sampling is not null && !(sampling.Temperature > 0 && double.IsFinite(sampling.Temperature) && sampling.TopP is > 0 and <= 1))
            throw new WorkerFaultException(ErrorCode.BadData, $"Temperature {sampling.Temperature} and top_p {sampling.TopP} cannot be sampled with: the first is above 0, the second above 0 and at most 1.");
        _sampling = sampling;
    }

    /// <param name="logits">A logit a token.</param>
    /// <param name="place">The token's place in the answer.</param>
    /// <exception cref="WorkerFaultException">No logit is a number.</exception>
    public int Choose(ReadOnlySpan<float> logits, uint place)
    {
        var best = Best(logits);
        return _sampling is null ? best : Draw(logits, logits[best], _sampling, Uniform(_sampling, place));
    }

    private static int Best(ReadOnlySpan<float> logits)
    {
        var best = -1;
        for (var i = 0; i < logits.Length; i++)
        {
            if (best < 0 ? !float.IsNaN(logits[i]) : logits[i] > logits[best])
                best = i;
        }

        return best >= 0 && float.IsFinite(logits[best]) ? best : throw new WorkerFaultException(ErrorCode.BadData, "The model's logits are not finite: its weights or its adapter are damaged, or diverged.");
    }

    private static int Draw(ReadOnlySpan<float> logits, float largest, Sampling sampling, double uniform)
    {
        var weights = new double[logits.Length];
        var total = 0.0;
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = float.IsNaN(logits[i]) ? 0 : Math.Exp(((double)logits[i] - largest) / sampling.Temperature);
            total += weights[i];
        }

        int[] ids = sampling.TopP < 1 ? MostLikely(weights, total, sampling.TopP) : [.. Enumerable.Range(0, weights.Length)];
        var kept = 0.0;
        foreach (var id in ids)
            kept += weights[id];
        var left = uniform * kept;
        foreach (var id in ids)
        {
            left -= weights[id];
            if (left < 0)
                return id;
        }

        // Rounding alone comes here; the last token may be one that cannot be drawn.
        return Array.FindLast(ids, id => weights[id] > 0);
    }

    /// <summary>The shortest run of tokens, most likely first, that holds <paramref name="topP"/> of the weight; one at least.</summary>
    private static int[] MostLikely(double[] weights, double total, double topP)
    {
        // All tokens below this together hold less than what may be left out: only the others need to be sorted.
        var least = total * (1 - topP) / weights.Length;
        var ids = Enumerable.Range(0, weights.Length).Where(id => weights[id] >= least).OrderByDescending(id => weights[id]).ThenBy(id => id).ToArray();
        var (count, sum) = (0, 0.0);
        while (count < ids.Length && (count == 0 || sum < topP * total))
            sum += weights[ids[count++]];
        return ids[..count];
    }

    // 53 random bits: a double in [0, 1).
    private static double Uniform(Sampling sampling, uint place)
    {
        var stream = new RandomStream(sampling.Seed, RandomPurpose.Sampling, 0, 0, sampling.Stream);
        var high = Philox.Word(stream, 2UL * place) >> 5;
        var low = Philox.Word(stream, (2UL * place) + 1) >> 6;
        return (((ulong)high << 26) | low) * (1.0 / (1UL << 53));
    }
}
