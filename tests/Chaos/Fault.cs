using System.Globalization;

namespace Orchestrator.Chaos;

/// <summary>One fault of a plan.</summary>
/// <param name="Step">It is done as soon as this step is in metrics.jsonl.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Worker">To which worker, by its number.</param>
internal sealed record Fault(int Step, FaultKind Kind, int Worker)
{
    /// <summary>How long the fault itself lasts, whatever follows from it.</summary>
    public TimeSpan Duration => Kind switch
    {
        FaultKind.Stop => TimeSpan.FromSeconds(20),
        FaultKind.Delay => TimeSpan.FromSeconds(5),
        _ => TimeSpan.Zero,
    };

    /// <summary>The worker's name.</summary>
    public string WorkerName => string.Create(CultureInfo.InvariantCulture, $"worker-{Worker}");

    /// <summary>A plan of faults at random steps and workers; the same seed gives the same plan.</summary>
    /// <param name="random">Where the choices come from.</param>
    /// <param name="count">How many.</param>
    /// <param name="kinds">What may be done.</param>
    /// <param name="workers">Workers of the run.</param>
    /// <param name="steps">Steps of the run: all faults are done before its last one.</param>
    public static IReadOnlyList<Fault> Plan(Random random, int count, IReadOnlyList<FaultKind> kinds, int workers, int steps)
    {
        var plan = new List<Fault>();
        for (int i = 0; i < count; i++)
        {
            plan.Add(new Fault(random.Next(1, steps - 1), kinds[random.Next(kinds.Count)], random.Next(workers)));
        }

        return [.. plan.OrderBy(fault => fault.Step)];
    }
}
