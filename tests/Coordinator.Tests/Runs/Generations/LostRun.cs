using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>A job of 40 steps whose workers stop where a test wants them, so that it can lose them there.</summary>
internal sealed class LostRun : IDisposable
{
    public const string TwoByOne = "layout={replicas: 2, stages: 1}";
    public const string OneByTwo = "layout={replicas: 1, stages: 2}";
    public const string TwoByTwo = "layout={replicas: 2, stages: 2}";

    private readonly SampleJob _job = new();
    private readonly Dictionary<WorkerKey, ulong> _stops = [];
    private ulong _stop = ulong.MaxValue;

    private LostRun(int workers, bool mirrors) =>
        Workers = new FakeWorkers(workers) { Alter = (worker, report) => report.Step > _stops.GetValueOrDefault(worker, _stop) ? null : AlterReport(worker, report), Mirrors = mirrors };

    public FakeWorkers Workers { get; }

    public PureRun Run { get; private set; } = null!;

    public Func<WorkerKey, StepReport, StepReport?> AlterReport { get; set; } = (_, report) => report;

    /// <summary>A run whose workers have acted on a step and wait.</summary>
    /// <param name="workers">Attached workers.</param>
    /// <param name="step">The step.</param>
    /// <param name="set">Options of the job.</param>
    public static async Task<LostRun> AtAsync(int workers, ulong step, params string[] set) => await AtAsync(workers, step, [], set);

    /// <summary>The same, some of the workers at other steps.</summary>
    public static async Task<LostRun> AtAsync(int workers, ulong step, (int Worker, ulong Step)[] others, params string[] set)
    {
        var lost = new LostRun(workers, !set.Contains("resilience=checkpoint"));
        lost._stop = step;
        foreach (var (worker, other) in others)
        {
            lost._stops[FakeWorkers.Key(worker)] = other;
        }

        var request = lost._job.Request(set);
        lost.Run = new PureRun(await lost._job.MaterialAsync(request), request, lost.Workers);
        lost.Run.Submit();
        return lost;
    }

    /// <summary>From now on every worker stops at this step; by default at none.</summary>
    public void StopAt(ulong step = ulong.MaxValue)
    {
        _stop = step;
        _stops.Clear();
    }

    /// <summary>Loses a worker; whoever goes on goes on to the end.</summary>
    public void Lose(int worker, double silence = 0)
    {
        StopAt();
        Run.Lose(FakeWorkers.Key(worker), silence: silence);
    }

    /// <summary>The placement of the newest generation, by rank.</summary>
    public IEnumerable<string> Ranks => Run.Record.Placement!.Ranks.Select(rank => rank.Worker.WorkerId);

    /// <summary>Layers of the model.</summary>
    public int Layers => (int)Run.Session.Material!.Model.Spec.NumLayers;

    public JobPlaced Placed => Run.Journal.OfType<JobPlaced>().Last();

    /// <summary>The transfers before the newest generation's first step, as "layers from &gt; to holding".</summary>
    public IEnumerable<string> Transfers => Placed.Transfers.Select(transfer => $"{transfer.FirstLayer}-{transfer.LastLayer} {transfer.FromRank}>{transfer.ToRank} {transfer.Holding}");

    /// <summary>Event, worker and repeated steps of each line of events.jsonl, but those of start, attach and checkpoint.</summary>
    public IEnumerable<string> Events => EventLines.Of(Run).Where(line => line.Name is not ("start" or "attach" or "checkpoint")).Select(line => line.Text);

    /// <summary>The run has ended as one that nobody disturbed: each step once, with its numbers, each evaluation once.</summary>
    public void AssertQuietEnd(params ulong[] evaluations)
    {
        Assert.Equal((JobState.Succeeded, ""), (Run.Record.State, Run.Record.Reason));
        AssertSteps(40);
        Assert.Equal(evaluations.Length > 0 ? evaluations : [0, 20, 40], Run.Journal.OfType<StepEvaluated>().Select(evaluation => evaluation.Step));
        Assert.Equal(40UL, Run.Checkpoints[^1].Step);
        Assert.Empty(Run.Session.Told);
    }

    /// <summary>Every step up to this one is committed once, with the numbers that it always has.</summary>
    public void AssertSteps(ulong last)
    {
        var steps = Run.Journal.OfType<StepCommitted>().ToList();
        Assert.Equal(Enumerable.Range(1, (int)last).Select(step => (ulong)step), steps.Select(step => step.Step));
        Assert.All(steps, step => Assert.Equal((Enumerable.Range(0, 8).Aggregate(0.0, (sum, microBatch) => sum + FakeWorkers.Loss(step.Step, microBatch)) / step.LabelTokens, 1.0 / step.Step), (step.Loss, step.GradNorm)));
    }

    public void Dispose() => _job.Dispose();
}
