using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>How far the preparation is: one line that moves on a terminal, else a line a second.</summary>
/// <remarks>Told on one thread at a time.</remarks>
internal sealed class ProgressLines(CommandOutput output, TimeProvider time) : IProgress<DatasetProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MovingInterval = TimeSpan.FromMilliseconds(100);

    private readonly PreparationPace _pace = new(time);
    private long _last = time.GetTimestamp();
    private readonly TerminalLine _line = new(output);

    public void Report(DatasetProgress value)
    {
        if (time.GetElapsedTime(_last) < (output.IsTerminal ? MovingInterval : Interval)) return;
        _last = time.GetTimestamp();
        var text = _pace.Text(value);
        if (output.IsTerminal)
        {
            _line.Show(text);
        }
        else
        {
            output.Messages.WriteLine(text);
        }
    }

    /// <summary>Leaves the terminal's line as it was.</summary>
    public void End() => _line.Clear();
}
