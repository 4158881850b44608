using System.Globalization;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>The moment that strftime_now tells in a chat template, as people and scripts write it.</summary>
/// <remarks>
/// A template writes the time of a clock on a wall, without a zone. A zone that is given says where that clock hangs and changes nothing of what it shows, so the text is
/// the same on every machine. Parts of a second are left out.
/// </remarks>
internal static class ClockText
{
    /// <summary>What is understood, for messages.</summary>
    public const string Expected = "a date or moment such as 2026-02-03 or 2026-02-03T04:05:06";

    private static readonly string[] Formats =
    [
        "yyyy-MM-dd",
        .. new[] { "yyyy-MM-ddTHH:mm", "yyyy-MM-dd HH:mm" }.SelectMany(minutes => new[] { minutes, $"{minutes}:ss", $"{minutes}:ss.FFFFFFF" }).Select(moment => $"{moment}K"),
    ];

    /// <summary>The moment as <see cref="TryParse"/> reads it.</summary>
    public static string Format(DateTime clock) => clock.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>Reads ISO 8601 in its extended form.</summary>
    public static bool TryParse(string text, out DateTime clock)
    {
        var isRead = DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment);
        clock = moment.DateTime.AddTicks(-(moment.Ticks % TimeSpan.TicksPerSecond));
        return isRead;
    }
}
