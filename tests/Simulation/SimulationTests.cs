using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Simulation;

/// <summary>The protocol's production code under random faults on virtual time.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 1_000;

    [Fact]
    public void Job_UnderFaultsAtRandom_EndsAsIfNothingHadBeen()
    {
        using var runs = new SimulationRuns();
        if (Environment.GetEnvironmentVariable("ORCHESTRATOR_SIMULATION_SEED") is { Length: > 0 } one)
        {
            var told = runs.Run(int.Parse(one, CultureInfo.InvariantCulture), tracedLines: 5_000);
            Assert.True(told is null, told);
            return;
        }

        var seeds = Environment.GetEnvironmentVariable("ORCHESTRATOR_SIMULATION_SEEDS") is { Length: > 0 } more ? int.Parse(more, CultureInfo.InvariantCulture) : Seeds;
        var begun = Stopwatch.GetTimestamp();
        var violations = runs.Violations(seeds, most: 10);
        Assert.True(violations is null, violations);
        output.WriteLine($"{seeds} seeds in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s: {runs.Summary}");
        Assert.True(runs.Promises > seeds / 4 && runs.Repeated > 0 && runs.GivenUp < seeds / 5, $"the faults hit too seldom, or too hard: {runs.Summary}");
    }

    [Fact]
    public void Seed_RunTwice_GivesTheSameTrace()
    {
        using var runs = new SimulationRuns();

        Assert.Equal(runs.TraceOf(11), runs.TraceOf(11));
    }
}
