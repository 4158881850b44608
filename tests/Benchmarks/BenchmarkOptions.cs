namespace Orchestrator.Benchmarks;

/// <summary>What the command line of the benchmarks says.</summary>
internal sealed record BenchmarkOptions(int Steps = 5, int? Threads = null, string? NumericClass = null, string ComputeDtype = "auto", string? Only = null)
{
    /// <summary>Reads <paramref name="args"/>; null if they are not understood. <paramref name="names"/>: what <c>--only</c> may say.</summary>
    public static BenchmarkOptions? Parse(string[] args, IReadOnlyCollection<string> names)
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
                case "--only" when names.Contains(value):
                    options = options with { Only = value };
                    break;
                default:
                    return null;
            }
        }

        return args.Length % 2 == 0 ? options : null;
    }
}
