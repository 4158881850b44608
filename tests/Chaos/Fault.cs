using System.Globalization;
using System.Text.Json;

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

    /// <summary>A signal to the worker's process; else something is done to its connections.</summary>
    public bool IsSignal => Kind is FaultKind.Kill or FaultKind.Terminate or FaultKind.Stop;

    /// <summary>The worker's name.</summary>
    public string WorkerName => string.Create(CultureInfo.InvariantCulture, $"worker-{Worker}");

    /// <summary>The same fault of the worker that holds a place in the run's layout, which is whoever attached in time.</summary>
    /// <param name="plan">plan.json of the run.</param>
    public Fault OfPlace(JsonElement plan) =>
        this with { Worker = int.Parse(plan.GetProperty("stages")[Worker].GetProperty("worker").GetString()!["worker-".Length..], CultureInfo.InvariantCulture), IsOfPlace = false };

    /// <summary><see cref="Worker"/> is a place of the layout (replica x stages + stage) and not the worker's number.</summary>
    public bool IsOfPlace { get; init; }

    /// <summary>A plan of faults at random steps and workers; the same seed gives the same plan.</summary>
    /// <param name="random">Where the choices come from.</param>
    /// <param name="count">How many.</param>
    /// <param name="kinds">What may be done.</param>
    /// <param name="workers">Workers of the run.</param>
    /// <param name="steps">Steps of the run: all faults are done before its last one.</param>
    /// <param name="apart">One in each of as many equal parts of the run, which leave its last tenth out; else anywhere, several at one step as well.</param>
    public static IReadOnlyList<Fault> Plan(Random random, int count, IReadOnlyList<FaultKind> kinds, int workers, int steps, bool apart)
    {
        var plan = new List<Fault>();
        for (int i = 0; i < count; i++)
        {
            int part = Math.Max(1, steps * 9 / 10 / count);
            int step = apart ? 1 + (i * part) + random.Next(part) : random.Next(1, steps - 1);
            plan.Add(new Fault(step, kinds[random.Next(kinds.Count)], random.Next(workers)));
        }

        return [.. plan.OrderBy(fault => fault.Step)];
    }
}
