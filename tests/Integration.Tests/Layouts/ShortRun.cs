using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>Three steps of the sample with two compute threads on two processors, run once: what other runs of the same job must equal.</summary>
public sealed class ShortRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ShortRun() => Output = Train(_folder["out"], 2);

    internal static string Job { get; } = Repository.Sample("orders.yaml");

    internal static string[] Keys { get; } =
    [
        "training.max_steps=3", "training.global_batch_size=8", "training.micro_batch_tokens=256", "adapter.lora_dropout=0.1", "resources.compute_threads=2", "data.eval=null",
    ];

    /// <summary>The keys as options.</summary>
    internal static string[] Set { get; } = [.. Keys.SelectMany(key => new[] { "--set", key })];

    internal RunOutput Output { get; }

    internal string NumericClass => Output.Json("plan.json").GetProperty("numeric_class").ToString();

    /// <summary>Runs the job on that many processors.</summary>
    internal static RunOutput Train(string output, int processors) => ProcessorRun.Train(processors, Job, output, Set);

    public void Dispose() => _folder.Dispose();
}
