using System.Diagnostics;
using System.Globalization;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Benchmarks;

/// <summary>Measures whole steps of one workload against the library's own speed on the same shapes, in the same run.</summary>
/// <remarks>The GEMM rate is measured before and after the steps and the better median is the yardstick. Compute thread only.</remarks>
internal sealed class StepBenchmark(StepWorkload workload, DType dtype, int steps)
{
    private const int Rank = 16;

    private readonly ModelSpec _model = workload.Folder.Spec;

    /// <summary>Prints the raw lines.</summary>
    public bool Run()
    {
        var spec = Stage();
        using var adapter = AdapterState.Create(spec, torch.CPU);
        using var model = StageModel.Load(spec, torch.CPU, adapter);
        using var gradient = adapter.NewGradient();
        var rate = MeasureRate();
        Step(model, gradient);
        var seconds = new List<double>();
        var phases = new Dictionary<string, double>(StringComparer.Ordinal);
        PhaseClock.Enable(true);
        for (var i = 0; i < steps; i++)
        {
            seconds.Add(Step(model, gradient, phases));
        }

        foreach (var phase in Enum.GetValues<Phase>())
        {
            phases[phase.ToString()] = PhaseClock.Seconds(phase);
        }

        PhaseClock.Enable(false);
        rate = Math.Max(rate, MeasureRate());
        Report(seconds, phases, rate);
        return true;
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
            Optimizer = new OptimizerSpec { Kind = OptimizerKind.Adamw },
            Constants = new NumericConstants { ComputeDtype = dtype, ReductionSlots = 16, ChunkElements = TargetModules.ChunkElements, LossChunkTokens = 256, AttentionBlock = 128, Seed = 42 },
        };
        spec.Base.AddRange(workload.Folder.AllSlices(quantize: true));
        spec.Adapter.AddRange(TargetModules.Resolve(_model, new LoraConfig { Rank = Rank, Alpha = 2 * Rank, TargetModules = ModuleSelector.AllLinear }));
        return spec;
    }

    private double Step(StageModel model, torch.Tensor gradient, Dictionary<string, double>? phases = null)
    {
        var start = Stopwatch.GetTimestamp();
        gradient.zero_();
        var scale = 1f / LabelTokens();
        for (var i = 0; i < workload.MicroBatches.Count; i++)
        {
            using var run = model.BeginTraining(workload.MicroBatches[i], 1, (uint)i, scale);
            Timed(phases, "forward", () => run.Forward(null));
            Timed(phases, "backward", () => run.Backward(null, gradient));
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Timed(Dictionary<string, double>? phases, string name, Action work)
    {
        var start = Stopwatch.GetTimestamp();
        work();
        if (phases is not null)
        {
            phases[name] = phases.GetValueOrDefault(name) + Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
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
        Line($"{workload.Name} peak_memory_bytes={PeakBytes()}");
        var total = seconds.Sum();
        var named = 0.0;
        foreach (var phase in Enum.GetValues<Phase>())
        {
            named += phases[phase.ToString()];
            Line($"{workload.Name} phase {phase,-14} {phases[phase.ToString()] / seconds.Count:F4}s {phases[phase.ToString()] / total:P1}");
        }

        var graph = phases["forward"] + phases["backward"] - named;
        Line($"{workload.Name} phase {"Graph",-14} {graph / seconds.Count:F4}s {graph / total:P1} (residual sums, autograd engine, allocation)");
        Line($"{workload.Name} accounted {(named + graph) / total:P1} named {named / total:P1} forward {phases["forward"] / total:P1} backward {phases["backward"] / total:P1}");
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

    private ulong LabelTokens() => workload.MicroBatches.Aggregate(0UL, (sum, batch) => sum + batch.UsedLabels);

    private static long PeakBytes()
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan(6, line.Length - 9).Trim(), CultureInfo.InvariantCulture);
    }

    private static void Line(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));
}
