namespace Orchestrator.Simulation;

/// <summary>Runs seeds and remembers what they came to.</summary>
public sealed class SimulationRuns
{
    private readonly SimulatedJob _job = new(Directory.CreateTempSubdirectory("orchestrator-simulation-").FullName);
    private long _events;

    /// <summary>Steps that were run again, over all runs.</summary>
    public ulong Repeated { get; private set; }

    /// <summary>Changes of generation that were held to the promise of one repeated step.</summary>
    public int Promises { get; private set; }

    /// <summary>The numbers of all runs.</summary>
    public string Summary => $"{Promises} changes of generation under the promise, {Repeated} steps repeated, {_events} lines of trace";

    /// <summary>The sentence and trace of the first seed below a number that violates an invariant; null: none does.</summary>
    public string? FirstViolation(int seeds)
    {
        for (var seed = 0; seed < seeds; seed++)
        {
            if (Run(seed, tracedLines: 200) is { } told)
                return told;
        }

        return null;
    }

    /// <summary>Runs a seed; null: everything held.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="tracedLines">How many of the last lines are told.</param>
    public string? Run(int seed, int tracedLines)
    {
        var world = WorldOf(seed, tracedLines);
        try
        {
            world.Run();
            return null;
        }
        catch (ViolationException violation)
        {
            return violation.Message;
        }
        finally
        {
            Repeated += world.Check.Repeated;
            Promises += world.Check.Promises;
            _events += world.Trace.Noted;
        }
    }

    /// <summary>A seed's whole trace.</summary>
    public string TraceOf(int seed)
    {
        var world = WorldOf(seed, int.MaxValue);
        world.Run();
        return world.Trace.ToString();
    }

    private World WorldOf(int seed, int tracedLines)
    {
        var scenario = Scenario.Of(seed);
        return new World(scenario, _job.Of(scenario), tracedLines);
    }
}
