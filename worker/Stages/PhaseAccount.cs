using System.Globalization;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Stages;

/// <summary>What the steps of a generation spent their time on, in the mean.</summary>
/// <remarks>Without the first one, in which methods are compiled and memory is touched for the first time. Compute thread only, and whoever comes after it.</remarks>
internal sealed class PhaseAccount
{
    private static readonly (string Name, Func<PhaseSeconds, double> Of)[] Parts =
    [
        ("forward", step => step.Forward), ("backward", step => step.Backward), ("reduce", step => step.Reduce), ("optimizer", step => step.Optimizer),
        ("wait", step => step.Wait), ("vote", step => step.Vote), ("history", step => step.History), ("mirror", step => step.Mirror),
    ];

    private readonly double[] _seconds = new double[Parts.Length];
    private double _total;
    private long _ended;

    /// <summary>A step has ended.</summary>
    public void Add(PhaseSeconds phases)
    {
        if (_ended++ == 0)
            return;
        _total += phases.Total;
        for (var i = 0; i < Parts.Length; i++)
            _seconds[i] += Parts[i].Of(phases);
    }

    /// <summary>For people; null: there were no two steps.</summary>
    public string? Text()
    {
        var steps = _ended - 1;
        if (steps <= 0)
            return null;
        var parts = Parts.Zip(_seconds, (part, seconds) => string.Create(CultureInfo.InvariantCulture, $"{part.Name} {seconds / steps:F5} s"));
        return string.Create(CultureInfo.InvariantCulture, $"{steps} steps after the first took {_total / steps:F5} s each: {string.Join(", ", parts)}");
    }
}
