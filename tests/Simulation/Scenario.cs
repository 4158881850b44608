namespace Orchestrator.Simulation;

/// <summary>What a seed decides before the run: the job, the workers, how bad the world is.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Replicas">Of the layout.</param>
/// <param name="Stages">Of the layout.</param>
/// <param name="Workers">Workers, spares included.</param>
/// <param name="Steps">Of the job.</param>
/// <param name="EvalSteps">An evaluation after each of so many steps.</param>
/// <param name="SaveSteps">A checkpoint after each of so many steps.</param>
/// <param name="SkippedStep">The step whose gradients are not finite; 0: none.</param>
/// <param name="Faults">The most faults.</param>
/// <param name="CancelAt">When somebody cancels the job, in seconds; 0: nobody does.</param>
/// <param name="Loss">Chance that a message between workers, or its receipt, is lost.</param>
/// <param name="Doubled">Chance that one comes twice.</param>
/// <param name="Delay">Mean seconds of a message between workers.</param>
/// <param name="Compute">Mean seconds of a step's computation.</param>
internal sealed record Scenario(
    int Seed, int Replicas, int Stages, int Workers, int Steps, int EvalSteps, int SaveSteps, int SkippedStep, int Faults, double CancelAt,
    double Loss, double Doubled, double Delay, double Compute)
{
    private static readonly (int Replicas, int Stages)[] Layouts = [(1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (1, 3)];

    private static readonly int[] Every = [2, 3, 5];

    public static Scenario Of(int seed)
    {
        var dice = new Random(seed);
        var (replicas, stages) = Layouts[seed % Layouts.Length];
        // Few different jobs, for reading one takes longer than running it.
        var steps = 6 + (2 * dice.Next(4));
        return new Scenario(
            seed, replicas, stages, (replicas * stages) + (dice.Next(3) == 0 ? 1 : 0), steps, Every[dice.Next(3)], Every[dice.Next(3)], dice.Next(4) == 0 ? dice.Next(1, steps) : 0,
            dice.Next(1, 7), dice.Next(8) == 0 ? 1 + (dice.NextDouble() * 9) : 0, dice.Next(3) * 0.1, dice.Next(3) * 0.1, dice.Next(3) switch { 0 => 0.002, 1 => 0.02, _ => 0.15 }, dice.NextDouble() * 0.4);
    }

    public override string ToString() =>
        $"seed {Seed}: {Replicas} x {Stages} on {Workers} workers, {Steps} steps, evaluation every {EvalSteps}, checkpoint every {SaveSteps}, step {SkippedStep} skipped, at most {Faults} faults, cancelled at {CancelAt:0.0} s, loss {Loss}, doubled {Doubled}, delay {Delay} s";
}
