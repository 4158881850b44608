using System.Globalization;

namespace Orchestrator.Coordinator.Cli;

/// <summary>How the processes of an embedded fleet are started.</summary>
/// <param name="Coordinator">The address that workers attach to.</param>
/// <param name="JoinToken">Handed over in the environment, never on the command line.</param>
/// <param name="Count">Number of workers.</param>
/// <param name="Threads">Compute threads of each; null: all processors that the process may use.</param>
/// <param name="NumericClass">The instruction path to pin; null: the machine's own.</param>
internal sealed record WorkerLaunch(Uri Coordinator, string JoinToken, int Count, int? Threads, string? NumericClass)
{
    private const string TokenVariable = "ORCHESTRATOR_JOIN_TOKEN";
    private const string ExecutableVariable = "ORCHESTRATOR_WORKER";

    /// <summary>The worker's program.</summary>
    public string Executable { get; init; } = Program;

    /// <summary>The worker's program: beside the coordinator's, or where ORCHESTRATOR_WORKER says.</summary>
    private static string Program => Environment.GetEnvironmentVariable(ExecutableVariable) is { Length: > 0 } given ? given : Path.Combine(WorkerFolder, "orchestrator-worker");

    /// <summary>What to do where the program cannot be started.</summary>
    public static string Advice => Environment.GetEnvironmentVariable(ExecutableVariable) is { Length: > 0 } ? $"{ExecutableVariable} names it; correct that, or unset it to take the one beside this program" : "build the whole solution";

    /// <exception cref="InvalidInputException">There is no such program.</exception>
    public static void CheckProgram()
    {
        if (!File.Exists(Program))
        {
            throw new InvalidInputException($"The worker {Program} cannot be started (there is no such file): {Advice}.");
        }
    }

    /// <summary>Where workers keep what outlives them: quantized weights, shards, and the states of one that is alone in its job; null: nowhere.</summary>
    public string? Cache { get; init; }

    /// <summary>The devices to go round: the GPUs where the worker's libtorch can use them, else the CPU.</summary>
    public IReadOnlyList<string> Devices { get; init; } = FindDevices();

    /// <summary>What is added to the environment.</summary>
    public IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string>(StringComparer.Ordinal) { [TokenVariable] = JoinToken };

    private static string WorkerFolder => Path.Combine(AppContext.BaseDirectory, "worker");

    public static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"worker-{index}");

    public IReadOnlyList<string> ArgumentsOf(int index)
    {
        List<string> arguments =
        [
            "--coordinator", Coordinator.ToString().TrimEnd('/'), "--name", NameOf(index), "--device", Devices[index % Devices.Count],
            "--threads", (Threads ?? Environment.ProcessorCount).ToString(CultureInfo.InvariantCulture), "--owned",
        ];
        if (Cache is not null)
        {
            arguments.AddRange(["--cache", Cache]);
        }

        if (NumericClass is not null)
        {
            arguments.AddRange(["--numeric-class", NumericClass]);
        }

        return arguments;
    }

    /// <summary>One device a GPU if there are any and the worker was built for them.</summary>
    public static IReadOnlyList<string> FindDevices()
    {
        var builtForCuda = Directory.Exists(WorkerFolder) && Directory.EnumerateFiles(WorkerFolder, "libtorch_cuda.so", SearchOption.AllDirectories).Any();
        var gpus = builtForCuda ? Math.Min(Directory.EnumerateFiles("/dev", "nvidia*").Count(IsGpu), VisibleGpus(Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES"))) : 0;
        return gpus == 0 ? ["cpu"] : [.. Enumerable.Range(0, gpus).Select(gpu => string.Create(CultureInfo.InvariantCulture, $"cuda:{gpu}"))];
    }

    // Cards behind an entry that is none are hidden, too.
    private static int VisibleGpus(string? visible) =>
        visible?.Split(',', StringSplitOptions.TrimEntries).TakeWhile(entry => entry.Length > 0 && entry[0] != '-').Count() ?? int.MaxValue;

    private static bool IsGpu(string device) =>
        int.TryParse(Path.GetFileName(device)["nvidia".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
