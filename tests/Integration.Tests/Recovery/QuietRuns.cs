using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>Two small jobs, each run once by one worker that nobody disturbs: what every disturbed run on any layout must equal.</summary>
public sealed class QuietRuns : IDisposable
{
    private const int Steps = 24;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<bool, RunFiles> _runs = [];

    /// <summary>The sample shortened, or the golden case.</summary>
    internal static ChaosJob Job(bool golden, int replicas, int stages, int spares, params string[] set) => new(
        golden ? Path.Combine(Repository.Fixture("training", "nf4-adamw-linear"), "job.yaml") : Repository.Sample("orders.yaml"),
        replicas, stages, spares, [$"training.max_steps={Steps}", "training.eval_steps=8", "resources.compute_threads=1", "training.micro_batch_tokens=512", .. set]);

    internal RunFiles Of(bool golden)
    {
        if (!_runs.TryGetValue(golden, out var run))
        {
            _runs.Add(golden, run = ChaosRun.Quiet(Repository.Coordinator, Job(golden, 1, 1, 0), _folder[golden ? "golden" : "sample"]));
        }

        return run;
    }

    /// <summary>Runs a job under a plan and checks that it ends as if undisturbed.</summary>
    internal async Task<ChaosOutcome> AssertUndisturbedAsync(ChaosJob job, bool golden, params Fault[] plan)
    {
        var outcome = await ChaosRun.DisturbedAsync(Repository.Coordinator, Repository.Worker, job, plan, _folder[Guid.NewGuid().ToString("N")]);
        Assert.Equal(plan.Length, outcome.Faults.Count);
        var differences = outcome.Differences(Of(golden));
        Assert.True(differences.Count == 0, $"{job}: {string.Join("; ", differences)}\n{string.Join('\n', ChaosTable.Lines(outcome, differences))}\n{outcome.Text}");
        return outcome;
    }

    public void Dispose() => _folder.Dispose();
}
