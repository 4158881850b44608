using System.Numerics;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Which samples form which step: a pure function of seed, epoch and the number of samples.</summary>
/// <remarks>
/// <para>In file order (no shuffle) the epochs are one endless stream: step s takes samples (s-1)B to sB-1 of it, wrapping into the next epoch; only the
/// job's own last step may be short. Shuffled, every epoch has its own order and its own ceil(n / B) steps, of which the last may be short.
/// Either way every sample comes exactly once an epoch.</para>
/// <para>An epoch's order is a Fisher-Yates shuffle (from the end) of 0..n-1, driven by SplitMix64 seeded with mix(mix(seed) + epoch); a number below a bound
/// is the high half of a 64 x 64 bit product, with Lemire's rejection, so every order is equally likely. Never change this: it is part of every job's result.</para>
/// <para>Not for concurrent use: it keeps the newest epoch's order.</para>
/// </remarks>
internal sealed class DataOrder
{
    private readonly int _samples;
    private readonly int _globalBatch;
    private readonly ulong _seed;
    private readonly bool _shuffle;
    private ulong _cachedEpoch;
    private int[]? _cached;

    public DataOrder(int samples, int globalBatch, ulong seed, bool shuffle)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(globalBatch);
        (_samples, _globalBatch, _seed, _shuffle) = (samples, globalBatch, seed, shuffle);
    }

    /// <summary>Samples of a step that is not short.</summary>
    public int GlobalBatch => _globalBatch;

    /// <summary>Steps of a shuffled epoch; in file order: those that see every sample once.</summary>
    public ulong StepsPerEpoch => ((ulong)_samples + (ulong)_globalBatch - 1) / (ulong)_globalBatch;

    /// <summary>After so many steps the same steps come again, but for a last one that is short; no end in sight where every epoch is shuffled anew.</summary>
    public ulong StepsUntilRepeated => _shuffle ? ulong.MaxValue : (ulong)_samples / (ulong)BigInteger.GreatestCommonDivisor(_samples, _globalBatch);

    /// <summary>Steps that a number of epochs (also a fraction) takes.</summary>
    public ulong StepsOf(double epochs) => _shuffle
        ? (ulong)Math.Ceiling(epochs * StepsPerEpoch)
        : (ulong)Math.Ceiling(Math.Ceiling(epochs * _samples) / _globalBatch);

    /// <summary>The samples of a step (from 1) in order.</summary>
    /// <param name="step">The step.</param>
    /// <param name="end">Samples after which the job's data ends, counted over all epochs; null: never.</param>
    public int[] SamplesOf(ulong step, ulong? end = null)
    {
        var (first, count) = RangeOf(step, end);
        var samples = new int[count];
        for (var i = 0; i < count; i++)
        {
            var position = first + (ulong)i;
            samples[i] = OrderOf(position / (ulong)_samples)[(int)(position % (ulong)_samples)];
        }

        return samples;
    }

    /// <summary>Samples taken from the start of the job to the end of this step.</summary>
    public ulong TakenAfter(ulong step, ulong? end = null)
    {
        if (step == 0)
        {
            return 0;
        }

        var (first, count) = RangeOf(step, end);
        return first + (ulong)count;
    }

    /// <summary>The order of one epoch (from 0): a permutation of 0..samples-1.</summary>
    internal static int[] Permutation(int samples, ulong seed, ulong epoch)
    {
        var order = new int[samples];
        for (var i = 0; i < samples; i++)
        {
            order[i] = i;
        }

        var state = Mix(Mix(seed) + epoch);
        for (var i = samples - 1; i > 0; i--)
        {
            var j = (int)Below((ulong)i + 1, ref state);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    private (ulong First, int Count) RangeOf(ulong step, ulong? end)
    {
        ArgumentOutOfRangeException.ThrowIfZero(step);
        var (first, next) = _shuffle ? InEpoch(step - 1) : ((step - 1) * (ulong)_globalBatch, step * (ulong)_globalBatch);
        next = Math.Min(next, end ?? ulong.MaxValue);
        return (first, next > first ? (int)(next - first) : 0);
    }

    private (ulong First, ulong Next) InEpoch(ulong index)
    {
        var start = index / StepsPerEpoch * (ulong)_samples;
        var within = index % StepsPerEpoch * (ulong)_globalBatch;
        return (start + within, start + Math.Min(within + (ulong)_globalBatch, (ulong)_samples));
    }

    private int[] OrderOf(ulong epoch)
    {
        if (!_shuffle)
        {
            epoch = 0;
        }

        if (_cached is null || _cachedEpoch != epoch)
        {
            _cached = _shuffle ? Permutation(_samples, _seed, epoch) : [.. Enumerable.Range(0, _samples)];
            _cachedEpoch = epoch;
        }

        return _cached;
    }

    private static ulong Below(ulong bound, ref ulong state)
    {
        // Lemire: values whose low half falls below 2^64 mod bound would make small results likelier.
        var threshold = (0 - bound) % bound;
        while (true)
        {
            state += 0x9E3779B97F4A7C15;
            var high = Math.BigMul(Mix(state), bound, out var low);
            if (low >= threshold)
            {
                return high;
            }
        }
    }

    // The output function of SplitMix64 (Steele, Lea, Flood, 2014).
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
