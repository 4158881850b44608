using System.Globalization;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Stages;

/// <summary>What the steps of a generation spent their time on, in the mean.</summary>
/// <remarks>Without the first one, in which methods are compiled and memory is touched for the first time. Compute thread only, and whoever comes after it.</remarks>
internal sealed class PhaseAccount
{
    private readonly List<PhaseSeconds> _steps = [];

    /// <summary>A step has ended.</summary>
    public void Add(PhaseSeconds phases) => _steps.Add(phases);

    /// <summary>For people; null: there were no two steps.</summary>
    public string? Text()
    {
        var steps = _steps.Skip(1).ToList();
        if (steps.Count == 0)
            return null;
        double Mean(Func<PhaseSeconds, double> phase) => steps.Average(phase);
        string Named(string name, Func<PhaseSeconds, double> phase) => string.Create(CultureInfo.InvariantCulture, $"{name} {Mean(phase):F5} s");
        string[] phases =
        [
            Named("forward", step => step.Forward), Named("backward", step => step.Backward), Named("reduce", step => step.Reduce), Named("optimizer", step => step.Optimizer),
            Named("wait", step => step.Wait), Named("vote", step => step.Vote), Named("history", step => step.History), Named("mirror", step => step.Mirror),
        ];
        return string.Create(CultureInfo.InvariantCulture, $"{steps.Count} steps after the first took {Mean(step => step.Total):F5} s each: {string.Join(", ", phases)}");
    }
}
