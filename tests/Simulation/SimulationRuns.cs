namespace Orchestrator.Simulation;

/// <summary>Runs seeds and remembers what they came to.</summary>
public sealed class SimulationRuns : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orchestrator-simulation-");

    // Files are flushed, which costs nothing in memory.
    private readonly DirectoryInfo _outputs = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"orchestrator-simulation-{Guid.NewGuid():N}"));
    private readonly SimulatedJob _job;
    private long _lines;
    private int _ended;

    /// <summary>Nothing is run yet.</summary>
    public SimulationRuns() => _job = new SimulatedJob(_folder.FullName);

    /// <summary>Steps that were run again, over all runs.</summary>
    public ulong Repeated { get; private set; }

    /// <summary>Changes of generation that were held to the promise of one repeated step.</summary>
    public int Promises { get; private set; }

    /// <summary>Jobs that were cancelled, or lost three workers at one step.</summary>
    public int GivenUp { get; private set; }

    /// <summary>The numbers of all runs.</summary>
    public string Summary => $"{_ended} jobs ended, {GivenUp} of them before their last step, {Promises} changes of generation under the promise, {Repeated} steps repeated, {_lines} lines of trace";

    /// <summary>The seeds that violate an invariant, and the first one's whole sentence with its trace; null: none does.</summary>
    /// <param name="seeds">How many are run, from 0.</param>
    /// <param name="most">After so many violations no further seed is run.</param>
    public string? Violations(int seeds, int most)
    {
        var told = new List<string>();
        for (var seed = 0; seed < seeds && told.Count < most; seed++)
        {
            if (Run(seed, tracedLines: 200) is { } violation)
                told.Add(violation);
        }

        return told.Count == 0 ? null : string.Join("\n\n", told.Skip(1).Select(violation => string.Join('\n', violation.Split('\n').Take(2))).Prepend(told[0]));
    }

    /// <summary>Runs a seed; null: everything held.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="tracedLines">How many of the last lines are told.</param>
    public string? Run(int seed, int tracedLines)
    {
        using var world = WorldOf(seed, tracedLines);
        try
        {
            world.Run();
            _ended++;
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
            GivenUp += world.Check.IsGivenUp ? 1 : 0;
            _lines += world.Trace.Noted;
        }
    }

    /// <summary>A seed's whole trace.</summary>
    public string TraceOf(int seed)
    {
        using var world = WorldOf(seed, int.MaxValue);
        world.Run();
        return world.Trace.ToString();
    }

    /// <summary>Deletes the job's data.</summary>
    public void Dispose()
    {
        _folder.Delete(recursive: true);
        _outputs.Delete(recursive: true);
    }

    private World WorldOf(int seed, int tracedLines)
    {
        var scenario = Scenario.Of(seed);
        var output = Path.Combine(_outputs.FullName, "out");
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        return new World(scenario, _job.Of(scenario), output, tracedLines);
    }
}
