using System.Diagnostics;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Optimizers;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using TorchSharp;

namespace Orchestrator.Benchmarks;

/// <summary>Measures whole steps of one workload against the library's own speed on the same shapes, in the same run.</summary>
/// <remarks>The GEMM rate is measured before and after the steps and the better median is the yardstick. Compute thread only.</remarks>
internal sealed class StepBenchmark(StepWorkload workload, DType dtype, int steps)
{
    private const int Rank = 16;
    private const int WarmUpSteps = 3;
    private const double NamedAtLeast = 0.95;

    private readonly ModelSpec _model = workload.Folder.Spec;
    private readonly Dictionary<string, long> _around = new(StringComparer.Ordinal);

    /// <summary>Prints the raw lines; false: the phases leave more of the step unnamed than they may.</summary>
    public bool Run()
    {
        var spec = Stage();
        using var adapter = AdapterState.Create(spec, torch.CPU);
        using var model = StageModel.Load(spec, torch.CPU, adapter);
        using var lanes = new MicroBatchLanes(model.MicroBatchesAtOnce);
        using var scope = torch.NewDisposeScope();
        var sums = workload.MicroBatches.Select(_ => adapter.NewGradient()).ToArray();
        using var gradient = adapter.NewReducedGradient();
        var rate = MeasureRate();
        for (var i = 0; i < WarmUpSteps; i++)
        {
            Step(spec, model, adapter, lanes, sums, gradient);
        }

        var seconds = new List<double>();
        _around.Clear();
        KernelProfile.Enable(true);
        for (var i = 0; i < steps; i++)
        {
            seconds.Add(Step(spec, model, adapter, lanes, sums, gradient));
        }

        var phases = Enum.GetValues<KernelPhase>().ToDictionary(phase => phase.ToString(), phase => KernelProfile.Seconds(phase) / lanes.Count);
        KernelProfile.Enable(false);
        phases.Remove(nameof(KernelPhase.None));
        foreach (var (name, ticks) in _around)
        {
            phases[name] = ticks / (double)Stopwatch.Frequency;
        }

        rate = Math.Max(rate, MeasureRate());
        Report(seconds, phases, rate);
        return IsNamed(phases.Values.Sum() / seconds.Sum());
    }

    private StageSpec Stage()
    {
        var spec = new StageSpec
        {
            Model = _model,
            LastLayer = _model.NumLayers - 1,
            Embedding = true,
            Head = true,
            Training = true,
            Quantization = new QuantizationSpec { Type = QuantizationType.Nf4, BlockSize = 64, DoubleQuant = true },
            Optimizer = new OptimizerSpec { Kind = OptimizerKind.Adamw, Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, MaxGradNorm = 1 },
            Constants = StageSpecs.Constants(dtype, JobWithDefaults().Training),
        };
        spec.Base.AddRange(workload.Folder.AllSlices(quantize: true));
        spec.Adapter.AddRange(TargetModules.Resolve(_model, new LoraConfig { Rank = Rank, Alpha = 2 * Rank, TargetModules = ModuleSelector.AllLinear }));
        return spec;
    }

    private static JobSpec JobWithDefaults() =>
        JobFile.Parse("{model: base, data: {train: train.jsonl}}", "job.yaml", "/", [], "/").Spec!;

    /// <summary>A whole step: micro-batches, the gradient's norm, clipping and the optimizer, the state's checksum.</summary>
    private double Step(StageSpec spec, StageModel model, AdapterState adapter, MicroBatchLanes lanes, torch.Tensor[] sums, torch.Tensor reduced)
    {
        var start = Stopwatch.GetTimestamp();
        var scale = 1f / LabelTokens();
        var busy = 0L;
        lanes.Run(
            sums.Length,
            i =>
            {
                var begun = Stopwatch.GetTimestamp();
                sums[i].zero_();
                using var run = model.BeginTraining(workload.MicroBatches[i], 1, (uint)i, scale);
                run.Forward(null);
                run.Backward(null, sums[i]);
                Interlocked.Add(ref busy, Stopwatch.GetTimestamp() - begun);
            },
            _ => { });
        // Lanes that have nothing left to take while another one computes.
        _around["IdleLanes"] = _around.GetValueOrDefault("IdleLanes") + (Stopwatch.GetTimestamp() - start) - (busy / lanes.Count);
        Around("SlotSums", () => Array.ForEach(sums[1..], sum => sums[0].Add(sum)));
        var step = new Step { LearningRate = 1e-4f, BiasCorrection1 = 0.1f, BiasCorrection2 = 0.001f };
        Around("GradientRounding", () => reduced.copy_(sums[0]));
        var norm = Around("GradientNorm", () => GradientNorm(adapter.Layout, reduced));
        Around("Optimizer", () => new AdapterOptimizer(spec.Optimizer).Apply(adapter, reduced, step, norm));
        Around("StateHash", adapter.Hash);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static unsafe float GradientNorm(AdapterLayout layout, torch.Tensor gradient)
    {
        var values = (float*)TensorMemory.Pointer(gradient);
        return (float)Math.Sqrt(layout.Chunks.Sum(chunk => ChunkKernels.SumOfSquares(new ReadOnlySpan<float>(values + chunk.Offset, chunk.Length))));
    }

    private void Around(string name, Action work) => Around(name, () =>
    {
        work();
        return true;
    });

    private T Around<T>(string name, Func<T> work)
    {
        var start = Stopwatch.GetTimestamp();
        var result = work();
        _around[name] = _around.GetValueOrDefault(name) + Stopwatch.GetTimestamp() - start;
        return result;
    }

    private void Report(List<double> seconds, Dictionary<string, double> phases, double rate)
    {
        var ordered = seconds.Order().ToArray();
        var median = ordered[ordered.Length / 2];
        var work = WorkOfStep();
        var tokens = workload.MicroBatches.Sum(batch => batch.Tokens);
        var ideal = work / rate;
        Line($"{workload.Name} tokens={tokens} label_tokens={LabelTokens()} micro_batches={workload.MicroBatches.Count} work={work / 1e9:F1}GFLOP gemm={rate / 1e9:F1}GFLOP/s");
        Line($"{workload.Name} step_seconds median={median:F4} min={ordered[0]:F4} max={ordered[^1]:F4} ideal={ideal:F4} ratio={median / ideal:F2} tokens_per_second={tokens / median:F1}");
        Line($"{workload.Name} peak_memory_bytes={ProcessMemory.PeakBytes}");
        var total = seconds.Sum();
        foreach (var (name, time) in phases)
        {
            Line($"{workload.Name} phase {name,-14} {time / seconds.Count:F4}s {time / total:P1}");
        }
    }

    private bool IsNamed(double share)
    {
        Line($"{workload.Name} named {share:P1}");
        if (share >= NamedAtLeast)
            return true;
        Console.Error.WriteLine(FormattableString.Invariant($"{workload.Name}: the phases name {share:P1} of the step, at least {NamedAtLeast:P0} is due: measure what is missing under a phase of its own."));
        return false;
    }

    /// <summary>tokens x (4 P_linear + 6 P_lora + 7 T d L) + label tokens x 4 d V, T the tokens that a token's sample has.</summary>
    private double WorkOfStep()
    {
        double linear = 0, lora = 0;
        foreach (var (inFeatures, outFeatures) in Linears())
        {
            linear += _model.NumLayers * (double)inFeatures * outFeatures;
            lora += _model.NumLayers * (double)Rank * (inFeatures + outFeatures);
        }

        double tokens = workload.MicroBatches.Sum(batch => batch.Tokens);
        double squares = workload.MicroBatches.Sum(batch => batch.Lengths.Sum(length => (double)length * length));
        return (tokens * ((4 * linear) + (6 * lora))) + (LabelTokens() * 4.0 * _model.HiddenSize * _model.VocabSize) + (7 * squares * _model.HiddenSize * _model.NumLayers);
    }

    /// <summary>FLOP/s of the library on the model's linear layers and head at this workload's token counts, each median of several, weighted by their work.</summary>
    private double MeasureRate()
    {
        using var noGrad = torch.no_grad();
        var type = ElementTypes.ToScalarType(dtype);
        var tokens = workload.MicroBatches[0].Tokens;
        double work = 0, time = 0;
        foreach (var (inFeatures, outFeatures) in Linears().Append((_model.HiddenSize, _model.VocabSize)))
        {
            using var scope = torch.NewDisposeScope();
            var x = torch.randn(tokens, inFeatures).to_type(type);
            var weight = torch.randn(outFeatures, inFeatures).to_type(type);
            var count = outFeatures == _model.VocabSize ? 1 : _model.NumLayers;
            work += 2.0 * count * tokens * inFeatures * outFeatures;
            time += count * Median(() => torch.mm(x, weight.t()).Dispose());
        }

        return work / time;
    }

    private static double Median(Action product)
    {
        product();
        var times = new double[7];
        for (var i = 0; i < times.Length; i++)
        {
            var start = Stopwatch.GetTimestamp();
            product();
            times[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        return times.Order().ElementAt(times.Length / 2);
    }

    private IEnumerable<(uint In, uint Out)> Linears()
    {
        var (queries, keys) = (_model.NumAttentionHeads * _model.HeadDim, _model.NumKeyValueHeads * _model.HeadDim);
        return
        [
            (_model.HiddenSize, queries), (_model.HiddenSize, keys), (_model.HiddenSize, keys), (queries, _model.HiddenSize),
            (_model.HiddenSize, _model.IntermediateSize), (_model.HiddenSize, _model.IntermediateSize), (_model.IntermediateSize, _model.HiddenSize),
        ];
    }

    private ulong LabelTokens() => workload.MicroBatches.Aggregate(0UL, (sum, batch) => sum + (ulong)LossTargets.Of(batch).Count);

    private static void Line(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));
}
