namespace Orchestrator.Worker.Runtime;

/// <summary>What a worker's command line says about compute.</summary>
/// <param name="Device">"cpu" or "cuda:N".</param>
/// <param name="Threads">Intra-op threads; null: the processors that affinity and cgroup allow.</param>
/// <param name="LibTorchDirectory">Folder of libtorch; null: the package beside the program.</param>
/// <param name="NumericClass">An instruction path to be held to, e.g. "avx2"; null or "auto": the best.</param>
internal sealed record RuntimeOptions(string Device = "cpu", int? Threads = null, string? LibTorchDirectory = null, string? NumericClass = null);
