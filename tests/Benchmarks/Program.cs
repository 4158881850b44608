using System.Diagnostics;
using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Benchmarks;

/// <summary>
/// Measures the product against its limits: <c>dotnet run -c Release --project tests/Benchmarks -- [--only NAME] [--steps N] [--numeric-class avx2] …</c>.
/// </summary>
/// <remarks>Without <c>--only</c> each benchmark runs in a process of its own, so that peak memory and warmth are its own.</remarks>
internal static class Program
{
    // Each says whether what it measured holds what is demanded of it.
    private static readonly Dictionary<string, Func<BenchmarkOptions, bool>> Benchmarks = new(StringComparer.Ordinal)
    {
        ["110m"] = options => MeasureSteps(StepWorkload.Shape110M, options),
        ["sample"] = options => MeasureSteps(StepWorkload.Sample, options),
        ["resilience"] = options => new ResilienceBenchmark(options).Run(),
        ["tokenizer"] = options =>
        {
            TokenizerBenchmark.Run(options);
            return true;
        },
    };

    private static int Main(string[] args)
    {
        var options = BenchmarkOptions.Parse(args, Benchmarks.Keys);
        if (options is null)
        {
            Console.Error.WriteLine(
                $"usage: Benchmarks [--only {string.Join('|', Benchmarks.Keys)}] [--steps N] [--numeric-class avx2|avx512|avx512_bf16|amx_bf16] [--threads N] [--compute-dtype auto|float32|bfloat16]");
            return 2;
        }

        if (options.Only is not { } only)
        {
            return Benchmarks.Keys.Select(name => RunAlone([.. args, "--only", name])).Max();
        }

        return Benchmarks[only](options) ? 0 : 1;
    }

    private static int RunAlone(string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Host(), .. args]))
            ?? throw new InvalidOperationException("the benchmark's process did not start");
        process.WaitForExit();
        return process.ExitCode;
    }

    // "dotnet Benchmarks.dll" needs its assembly named again; the apphost does not.
    private static string[] Host() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Program).Assembly.Location] : [];

    private static bool MeasureSteps(Func<StepWorkload> make, BenchmarkOptions options)
    {
        using var runtime = WorkerRuntime.Start(new RuntimeOptions(Threads: options.Threads, NumericClass: options.NumericClass));
        var dtype = options.ComputeDtype switch
        {
            "float32" => DType.F32,
            "bfloat16" => DType.Bf16,
            _ => runtime.FastBfloat16 ? DType.Bf16 : DType.F32,
        };
        var c = runtime.NumericClass;
        Console.WriteLine($"class={c.Backend}/{c.InstructionPath} libtorch={c.Libtorch} threads={c.Threads} compute_dtype={dtype} steps={options.Steps}");
        using var workload = make();
        return runtime.Compute.Run(() => new StepBenchmark(workload, dtype, options.Steps).Run()).GetAwaiter().GetResult();
    }
}
