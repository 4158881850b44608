using System.Globalization;

namespace Orchestrator.Simulation;

/// <summary>What happened last, for a person to read. Text is made only when it is asked for.</summary>
internal sealed class Trace(Timeline time, int kept)
{
    private readonly Queue<(double Time, string Format, object?[] Values)> _lines = new();

    /// <summary>Everything that was noted, ever.</summary>
    public long Noted { get; private set; }

    public void Note(string format, params object?[] values)
    {
        Noted++;
        _lines.Enqueue((time.Now, format, values));
        if (_lines.Count > kept)
            _lines.Dequeue();
    }

    public override string ToString() => string.Join(
        '\n', _lines.Select(line => string.Create(CultureInfo.InvariantCulture, $"{line.Time,9:0.000}  {string.Format(CultureInfo.InvariantCulture, line.Format, line.Values)}")));
}
