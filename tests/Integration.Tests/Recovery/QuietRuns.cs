using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>Small jobs, each run once by one worker that nobody disturbs: what every disturbed run on any layout must equal.</summary>
public sealed class QuietRuns : IDisposable
{
    private const int Steps = 24;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, RunFiles> _runs = [];

    /// <summary>The sample shortened, or the golden case.</summary>
    internal static ChaosJob Job(bool golden, int replicas, int stages, int spares, params string[] set) => new(
        golden ? Path.Combine(Repository.Fixture("training", "nf4-adamw-linear"), "job.yaml") : Repository.Sample("orders.yaml"),
        replicas, stages, spares, [$"training.max_steps={Steps}", "training.eval_steps=8", "resources.compute_threads=1", "training.micro_batch_tokens=512", .. set]);

    /// <summary>The undisturbed run of a job, whatever layout it names.</summary>
    internal RunFiles Of(ChaosJob job)
    {
        string key = $"{job.JobFile} {string.Join(' ', job.Set)}";
        if (!_runs.TryGetValue(key, out var run))
        {
            _runs.Add(key, run = ChaosRun.Quiet(Repository.Coordinator, job with { Replicas = 1, Stages = 1, Spares = 0 }, _folder[$"quiet-{_runs.Count}"]));
        }

        return run;
    }

    /// <summary>Runs a job under a plan and checks that it ends as if undisturbed.</summary>
    internal async Task<ChaosOutcome> AssertUndisturbedAsync(ChaosJob job, params IReadOnlyList<Fault> plan)
    {
        var outcome = await ChaosRun.DisturbedAsync(Repository.Coordinator, Repository.Worker, job, plan, _folder[Guid.NewGuid().ToString("N")]);
        var differences = outcome.Differences(Of(job));
        Assert.True(differences.Count == 0, $"{job}: {string.Join("; ", differences)}\n{string.Join('\n', ChaosTable.Lines(outcome, differences))}\n{outcome.Text}");
        Assert.Equal(plan.Count, outcome.Faults.Count);
        return outcome;
    }

    public void Dispose() => _folder.Dispose();
}
