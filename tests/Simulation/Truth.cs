using System.Buffers.Binary;
using Google.Protobuf;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Simulation;

/// <summary>What every step must come to: a layer's state is 64 bits, each a hash of the one before and of the step's verdict, in which all layers have a part.</summary>
/// <remarks>So a state that was made of a wrong one, or of a wrong verdict, differs in everything that follows.</remarks>
internal sealed class Truth
{
    private readonly JobMaterial _material;
    private readonly uint[] _layers;
    private readonly ulong _skipped;
    private readonly List<Dictionary<uint, ulong>> _states = [];
    private readonly List<(bool Apply, double Norm, double Loss)> _verdicts = [(true, 0, 0)];

    public Truth(JobMaterial material, ulong skipped)
    {
        (_material, _skipped) = (material, skipped);
        _layers = [.. material.Modules.Select(module => module.Layer).Distinct().Order()];
        _states.Add(_layers.ToDictionary(layer => layer, layer => Mix(layer, 0x5EED)));
        for (ulong step = 1; step <= material.Steps.TotalSteps; step++)
            Add(step);
    }

    /// <summary>The adapted layers.</summary>
    public IReadOnlyList<uint> Layers => _layers;

    public ulong LastStep => _material.Steps.TotalSteps;

    public ulong StateOf(uint layer, ulong step) => _states[(int)step][layer];

    public (bool Apply, double Norm, double Loss) VerdictOf(ulong step) => _verdicts[(int)step];

    /// <summary>The loss of the evaluation after a step.</summary>
    public double EvaluationOf(ulong step)
    {
        uint[] samples = [.. _material.Steps.Evaluation.SelectMany(microBatch => microBatch.Samples).Order()];
        return samples.Aggregate(0.0, (sum, sample) => sum + SampleLossOf(_states[(int)step][_layers[^1]], sample).LossSum) / (2UL * (ulong)samples.Length);
    }

    /// <summary>The sum of squares of a chunk of a layer whose state before the step is this.</summary>
    public double SquaresOf(ulong state, uint chunk, ulong step) => step == _skipped && chunk == 0 ? double.NaN : ((Mix(state, chunk, step) % 1000) + 1) / 7.0;

    /// <summary>A micro-batch's loss, for a last stage whose last layer's state before the step is this.</summary>
    public static MicroBatchLoss LossOf(ulong state, Step step, uint microBatch) => new()
    {
        MicroBatch = microBatch,
        LossSum = 1 + ((Mix(state, microBatch, step.Number) % 1000) / 300.0),
        // They need not be true of each micro-batch, only in sum: the first one takes all.
        LabelTokens = microBatch == 0 ? step.LabelTokens : 0,
        Samples = SampleHash.Of(step.Number, microBatch, step.MicroBatches[(int)microBatch].Samples),
    };

    public static SampleLoss SampleLossOf(ulong state, uint sample) => new() { Sample = sample, LossSum = 1 + ((Mix(state, sample, 99) % 1000) / 300.0), LabelTokens = 2 };

    /// <summary>A layer's state after a step.</summary>
    public static ulong Next(ulong state, uint layer, StepVerdict verdict) => verdict.Apply
        ? Mix(Mix(state, layer, verdict.Step), (ulong)BitConverter.DoubleToInt64Bits(verdict.GradNorm), (ulong)BitConverter.DoubleToInt64Bits(verdict.Losses.Sum(loss => loss.LossSum)))
        : state;

    /// <summary>The hash of some layers' states: additive over layers.</summary>
    public static ByteString HashOf(IEnumerable<KeyValuePair<uint, ulong>> layers)
    {
        var bytes = new byte[16];
        var (low, high) = HalvesOf(layers);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), high);
        return ByteString.CopyFrom(bytes);
    }

    public static (ulong Low, ulong High) HalvesOf(IEnumerable<KeyValuePair<uint, ulong>> layers)
    {
        var (low, high) = (0UL, 0UL);
        foreach (var (layer, state) in layers)
            (low, high) = (low + Mix(state, layer, 1), high + Mix(state, layer, 2));
        return (low, high);
    }

    // splitmix64, chained.
    private static ulong Mix(params ReadOnlySpan<ulong> values)
    {
        var hash = 0x9E3779B97F4A7C15UL;
        foreach (var value in values)
        {
            hash = (hash ^ value) + 0x9E3779B97F4A7C15UL;
            hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
            hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
            hash ^= hash >> 31;
        }

        return hash;
    }

    private void Add(ulong number)
    {
        var (before, step) = (_states[^1], _material.Steps.StepAt(number));
        var total = 0.0;
        foreach (var (module, chunk) in _material.Modules.SelectMany(module => new[] { (module, module.FirstChunk), (module, module.FirstChunk + 1) }).OrderBy(item => item.Item2))
            total += SquaresOf(before[module.Layer], chunk, number);
        var norm = (double)(float)Math.Sqrt(total);
        MicroBatchLoss[] losses = [.. Enumerable.Range(0, step.MicroBatches.Count).Select(i => LossOf(before[_layers[^1]], step, (uint)i))];
        var verdict = new StepVerdict { Step = number, Apply = double.IsFinite(norm), GradNorm = double.IsFinite(norm) ? norm : 0, Losses = { losses } };
        _states.Add(before.ToDictionary(item => item.Key, item => Next(item.Value, item.Key, verdict)));
        _verdicts.Add((verdict.Apply, verdict.GradNorm, verdict.Apply ? losses.Aggregate(0.0, (sum, loss) => sum + loss.LossSum) / step.LabelTokens : 0));
    }
}
