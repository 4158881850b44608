using System.Globalization;

namespace Orchestrator.Worker.Sessions;

/// <summary>Sizes as people write them: 80GB (10^9), 64GiB (2^30), 1500000.</summary>
internal static class MemorySize
{
    private static readonly (string Unit, double Factor)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1),
    ];

    /// <summary>Reads a size; null: it is none.</summary>
    public static ulong? Parse(string text)
    {
        var (unit, factor) = Units.First(candidate => text.EndsWith(candidate.Unit, StringComparison.Ordinal));
        return double.TryParse(text.AsSpan(0, text.Length - unit.Length).Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value * factor is > 0 and < 1e18
            ? (ulong)(value * factor)
            : null;
    }
}
