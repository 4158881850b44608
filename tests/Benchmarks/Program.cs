using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Benchmarks;

/// <summary>
/// Step time over its ideal, peak memory and a phase table for the 110M shape and for the sample:
/// <c>dotnet run -c Release --project tests/Benchmarks -- [--steps N] [--numeric-class avx2] [--threads N] [--compute-dtype float32] [--only 110m]</c>.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var options = Parse(args);
        if (options is null)
        {
            Console.Error.WriteLine("usage: Benchmarks [--steps N] [--numeric-class avx2|avx512|avx512_bf16] [--threads N] [--compute-dtype auto|float32|bfloat16] [--only 110m|sample]");
            return 2;
        }

        using var runtime = WorkerRuntime.Start(new RuntimeOptions(Threads: options.Threads, NumericClass: options.NumericClass));
        var dtype = options.ComputeDtype switch
        {
            "float32" => DType.F32,
            "bfloat16" => DType.Bf16,
            _ => runtime.FastBfloat16 ? DType.Bf16 : DType.F32,
        };
        var c = runtime.NumericClass;
        Console.WriteLine($"class={c.Backend}/{c.InstructionPath} libtorch={c.Libtorch} threads={c.Threads} compute_dtype={dtype} steps={options.Steps}");
        foreach (var make in (Func<StepWorkload>[])[StepWorkload.Shape110M, StepWorkload.Sample])
        {
            using var workload = make();
            if (options.Only is null || options.Only == workload.Name)
            {
                runtime.Compute.Run(() => new StepBenchmark(workload, dtype, options.Steps).Run()).GetAwaiter().GetResult();
            }
        }

        return 0;
    }

    private static BenchmarkOptions? Parse(string[] args)
    {
        var options = new BenchmarkOptions();
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            switch (args[i])
            {
                case "--steps" when int.TryParse(value, out var steps) && steps > 0:
                    options = options with { Steps = steps };
                    break;
                case "--threads" when int.TryParse(value, out var threads) && threads > 0:
                    options = options with { Threads = threads };
                    break;
                case "--numeric-class":
                    options = options with { NumericClass = value };
                    break;
                case "--compute-dtype" when value is "auto" or "float32" or "bfloat16":
                    options = options with { ComputeDtype = value };
                    break;
                case "--only" when value is "110m" or "sample":
                    options = options with { Only = value };
                    break;
                default:
                    return null;
            }
        }

        return args.Length % 2 == 0 ? options : null;
    }

    private sealed record BenchmarkOptions(int Steps = 5, int? Threads = null, string? NumericClass = null, string ComputeDtype = "auto", string? Only = null);
}
