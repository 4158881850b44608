using System.Globalization;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Tells how far a preparation is and how long it will still take, from the pace so far.</summary>
internal sealed class PreparationPace(TimeProvider time)
{
    private long _started = time.GetTimestamp();
    private long _bytes;

    public string Text(DatasetProgress progress)
    {
        if (progress.BytesRead < _bytes)
        {
            // The next split starts from nothing.
            _started = time.GetTimestamp();
        }

        var elapsed = time.GetElapsedTime(_started).TotalSeconds;
        var left = progress.BytesRead > 0 ? elapsed * (progress.TotalBytes - progress.BytesRead) / progress.BytesRead : 0;
        _bytes = progress.BytesRead;
        return $"{Path.GetFileName(progress.File)}: {Size(progress.BytesRead)} of {Size(progress.TotalBytes)}, {progress.Rows.ToString("#,0", CultureInfo.InvariantCulture)} rows, {Duration(left)} left";
    }

    private static string Size(long bytes) => bytes switch
    {
        < 1_000_000 => $"{(bytes / 1e3).ToString("0", CultureInfo.InvariantCulture)} kB",
        < 1_000_000_000 => $"{(bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture)} MB",
        _ => $"{(bytes / 1e9).ToString("0.00", CultureInfo.InvariantCulture)} GB",
    };

    private static string Duration(double seconds) => seconds < 60
        ? $"{Math.Ceiling(seconds).ToString("0", CultureInfo.InvariantCulture)} s"
        : TimeSpan.FromSeconds(Math.Min(seconds, 8_000_000)).ToString(seconds < 3600 ? @"m\:ss" : @"d\.hh\:mm\:ss", CultureInfo.InvariantCulture);
}
