using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Tells in a sentence how far the reading of a job's data is, and how long it will still take.</summary>
/// <remarks>Two sentences a second at most, on the thread that reads.</remarks>
internal sealed class PreparationProgress(IProgress<string> sentences, TimeProvider clock) : IProgress<DatasetProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.5);

    /// <summary>Before that an estimate says nothing.</summary>
    private static readonly TimeSpan Estimable = TimeSpan.FromSeconds(2);

    private long _began;
    private long _bytes = -1;
    private long? _told;

    public void Report(DatasetProgress value)
    {
        // The first split, or the next one, whose files are counted from their own start.
        if (_bytes < 0 || value.BytesRead < _bytes)
        {
            _began = clock.GetTimestamp();
        }

        _bytes = value.BytesRead;

        if (_told is { } told && clock.GetElapsedTime(told) < Interval)
        {
            return;
        }

        _told = clock.GetTimestamp();
        sentences.Report($"The data is being read: {Path.GetFileName(value.File)}, {Sentence.Count(value.Rows, "row")}{Share(value)}{Left(value, clock.GetElapsedTime(_began))}.");
    }

    private static string Share(DatasetProgress value) => value.TotalBytes > 0 ? $", {100 * value.BytesRead / value.TotalBytes}%" : "";

    private static string Left(DatasetProgress value, TimeSpan elapsed)
    {
        if (elapsed < Estimable || value.BytesRead == 0)
        {
            return "";
        }

        var left = elapsed * ((double)(value.TotalBytes - value.BytesRead) / value.BytesRead);
        return left.TotalMinutes < 2 ? $", {left.TotalSeconds:0} s left" : $", {left.TotalMinutes:0} min left";
    }
}
