using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>How the training loss went: one line with the first loss, a sparkline of all that were seen, and the newest.</summary>
/// <remarks>For one thread.</remarks>
internal sealed class LossCurve
{
    private const int Columns = 40;

    private readonly Sparkline _line = new(Columns);
    private ulong _step;
    private double? _first;
    private double? _newest;

    /// <summary>Takes in the newest step's loss, each step once; a skipped step has none.</summary>
    public void Observe(JobStatus status)
    {
        if (status.Step <= _step || !StatusText.HasStep(status)) return;
        _step = status.Step;
        if (status.Skipped) return;
        _line.Add(status.Loss);
        if (_first is null) _first = status.Loss;
        else _newest = status.Loss;
    }

    /// <summary>The line; null while there are no two losses, which a line needs.</summary>
    public string? Text => (_first, _newest) is ({ } first, { } newest) ? $"loss  {StatusText.Loss(first)} {_line} {StatusText.Loss(newest)}" : null;
}
