using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Simulation;

/// <summary>The job that is simulated, in all its layouts and lengths, read from files as a coordinator reads it.</summary>
/// <param name="folder">An empty folder for its data.</param>
internal sealed class SimulatedJob(string folder)
{
    private const string Sample = """{"input_ids":[0,2,479,268,202,1428,296,3],"labels":[-100,-100,-100,-100,202,1428,296,3]}""";

    private readonly Dictionary<(int, int, int, int, int), SimulatedRequest> _requests = [];
    private JobMaterial? _first;

    public SimulatedRequest Of(Scenario scenario)
    {
        var key = (scenario.Replicas, scenario.Stages, scenario.Steps, scenario.EvalSteps, scenario.SaveSteps);
        return _requests.TryGetValue(key, out var known) ? known : _requests[key] = Read(scenario);
    }

    private SimulatedRequest Read(Scenario scenario)
    {
        if (!File.Exists(Path.Combine(folder, "train.jsonl")))
        {
            File.WriteAllLines(Path.Combine(folder, "eval.jsonl"), Enumerable.Repeat(Sample, 3));
            File.WriteAllLines(Path.Combine(folder, "train.jsonl"), Enumerable.Repeat(Sample, 32));
        }

        var request = new SubmitJobRequest
        {
            Document = $$"""
                name: simulated
                model: {{Path.Combine(Repository(), "coordinator", "samples", "tiny-llama")}}
                data: {train: train.jsonl, eval: eval.jsonl, format: tokens, packing: false}
                adapter: {r: 4, target_modules: [q_proj]}
                training: {max_steps: {{scenario.Steps}}, global_batch_size: 4, micro_batch_size: 1, eval_steps: {{scenario.EvalSteps}}, save_steps: {{scenario.SaveSteps}}}
                layout: {replicas: {{scenario.Replicas}}, stages: {{scenario.Stages}}}
                output: out
                """,
            DocumentName = "simulated.yaml",
            BaseFolder = folder,
            CurrentFolder = folder,
        };
        var read = JobRequests.Read(request);
        if (read.Spec is not { } spec)
            throw new InvalidOperationException(string.Join(' ', read.Errors));
        // Model and data are the same for all.
        _first ??= JobPreparation.RunAsync(spec, Path.Combine(folder, "data"), new Progress<string>(), CancellationToken.None).GetAwaiter().GetResult();
        return new SimulatedRequest(request, spec, read.ResolvedYaml, _first with { Spec = spec, Steps = StepPlan.Create(spec, _first.Data, CancellationToken.None) });
    }

    /// <summary>The repository that this was built from.</summary>
    public static string Repository()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Orchestrator.sln")))
            at = at.Parent;
        return at?.FullName ?? throw new InvalidOperationException("No Orchestrator.sln above the tests.");
    }
}

/// <summary>A request with everything that preparing it reads.</summary>
internal sealed record SimulatedRequest(SubmitJobRequest Request, JobSpec Spec, string Resolved, JobMaterial Material)
{
    private readonly Dictionary<int, Truth> _truths = [];

    /// <summary>What its steps come to where one of them is skipped.</summary>
    public Truth TruthOf(int skipped) => _truths.TryGetValue(skipped, out var known) ? known : _truths[skipped] = new Truth(Material, (ulong)skipped);
}
