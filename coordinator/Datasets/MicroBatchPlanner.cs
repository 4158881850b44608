using System.Numerics;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Cuts the samples of a step into micro-batches within a token budget.</summary>
/// <remarks>Pure functions of the samples' lengths and the job: nothing here knows the fleet.</remarks>
internal sealed class MicroBatchPlanner
{
    private readonly IReadOnlyList<int> _lengths;
    private readonly bool _packing;

    private MicroBatchPlanner(IReadOnlyList<int> lengths, bool packing, int? tokens, int? samples)
        => (_lengths, _packing, Tokens, Samples) = (lengths, packing, tokens, samples);

    /// <summary>Most tokens of a micro-batch; null where <see cref="Samples"/> rules.</summary>
    public int? Tokens { get; }

    /// <summary>Samples of a micro-batch; null where <see cref="Tokens"/> rules.</summary>
    public int? Samples { get; }

    /// <summary>The planner of the training split.</summary>
    /// <exception cref="InvalidInputException">An explicit micro_batch_tokens is smaller than the longest sample.</exception>
    public static MicroBatchPlanner ForTraining(TrainingSpec training, bool packing, IReadOnlyList<int> lengths)
    {
        if (training.MicroBatchTokens is { } tokens)
        {
            return new MicroBatchPlanner(lengths, packing, Checked(tokens, lengths, "training"), null);
        }

        return training.MicroBatchSize is { } samples
            ? new MicroBatchPlanner(lengths, packing, null, samples)
            : new MicroBatchPlanner(lengths, packing, AutomaticTokens(lengths, training.GlobalBatchSize), null);
    }

    /// <summary>The planner of the evaluation split: the training budget, made larger only where it is automatic and a sample is longer.</summary>
    /// <exception cref="InvalidInputException">An explicit micro_batch_tokens is smaller than the longest sample.</exception>
    public MicroBatchPlanner ForEvaluation(TrainingSpec training, IReadOnlyList<int> lengths)
    {
        if (Tokens is not { } tokens)
        {
            return new MicroBatchPlanner(lengths, _packing, null, Samples);
        }

        return training.MicroBatchTokens is not null
            ? new MicroBatchPlanner(lengths, _packing, Checked(tokens, lengths, "evaluation"), null)
            : new MicroBatchPlanner(lengths, _packing, Math.Max(tokens, PowerOfTwoFrom(lengths.Max())), null);
    }

    /// <summary>The smallest power of two >= max(longest sample, min(4096, G / 4)), G = ceil(tokens x global batch / samples).</summary>
    public static int AutomaticTokens(IReadOnlyList<int> lengths, int globalBatch)
    {
        var tokens = (Int128)lengths.Sum(length => (long)length) * globalBatch;
        var batchTokens = (tokens + lengths.Count - 1) / lengths.Count;
        // A power of two >= G / 4 is one >= ceil(G / 4).
        var quarter = (int)Int128.Min(4096, (batchTokens + 3) / 4);
        return PowerOfTwoFrom(Math.Max(lengths.Max(), quarter));
    }

    /// <summary>Cuts samples, given in their order, into micro-batches; each sample is in exactly one.</summary>
    public IReadOnlyList<MicroBatch> Cut(IReadOnlyList<int> samples)
    {
        var bins = Tokens is not { } budget ? InChunks(samples) : _packing ? FirstFitDecreasing(samples, budget) : NextFit(samples, budget);
        return [.. bins.Select(bin => new MicroBatch { Samples = { bin.Select(sample => (uint)sample) }, Packed = _packing })];
    }

    private static int PowerOfTwoFrom(int value) => checked((int)BitOperations.RoundUpToPowerOf2((uint)value));

    private static int Checked(int tokens, IReadOnlyList<int> lengths, string split)
    {
        var longest = lengths.Max();
        return longest <= tokens
            ? tokens
            : throw new InvalidInputException(
                $"training.micro_batch_tokens is {tokens}, but the longest {split} sample has {longest} tokens; set it to {longest} or more, or data.max_length to {tokens} or less.");
    }

    private List<List<int>> InChunks(IReadOnlyList<int> samples) => [.. samples.Chunk(Samples!.Value).Select(chunk => chunk.ToList())];

    // Without packing neighbours stay together: a new micro-batch begins where the next sample would not fit.
    private List<List<int>> NextFit(IReadOnlyList<int> samples, int budget)
    {
        var bins = new List<List<int>>();
        var room = -1;
        foreach (var sample in samples)
        {
            if (_lengths[sample] > room)
            {
                bins.Add([]);
                room = budget;
            }

            bins[^1].Add(sample);
            room -= _lengths[sample];
        }

        return bins;
    }

    // Longest first, ties in the step's order, each into the first micro-batch with room; inside a micro-batch the step's order again. A segment tree over
    // the bins' room finds that micro-batch in log time, so a global batch of 100,000 samples is no trap.
    private List<List<int>> FirstFitDecreasing(IReadOnlyList<int> samples, int budget)
    {
        var positions = Enumerable.Range(0, samples.Count).OrderByDescending(i => _lengths[samples[i]]).ThenBy(i => i);
        var room = new RoomTree(samples.Count, budget);
        var bins = new List<List<int>>();
        foreach (var position in positions)
        {
            var bin = room.Take(_lengths[samples[position]]);
            if (bin == bins.Count)
            {
                bins.Add([]);
            }

            bins[bin].Add(position);
        }

        foreach (var bin in bins)
        {
            bin.Sort();
        }

        return [.. bins.Select(bin => bin.ConvertAll(position => samples[position]))];
    }

    /// <summary>The room left in every bin, with the first bin that has enough found from the root down.</summary>
    private sealed class RoomTree
    {
        private readonly int[] _room;
        private readonly int _leaves;

        public RoomTree(int bins, int budget)
        {
            _leaves = PowerOfTwoFrom(Math.Max(1, bins));
            _room = new int[2 * _leaves];
            Array.Fill(_room, budget);
        }

        public int Take(int tokens)
        {
            var node = 1;
            while (node < _leaves)
            {
                node = _room[2 * node] >= tokens ? 2 * node : (2 * node) + 1;
            }

            var bin = node - _leaves;
            _room[node] -= tokens;
            while ((node /= 2) > 0)
            {
                _room[node] = Math.Max(_room[2 * node], _room[(2 * node) + 1]);
            }

            return bin;
        }
    }
}
