using System.Globalization;

namespace Orchestrator.Worker.Stages;

/// <summary>What the system says this process holds.</summary>
internal static class ProcessMemory
{
    /// <summary>The largest resident size so far.</summary>
    public static ulong PeakBytes => Read("VmHWM:");

    public static ulong ResidentBytes => Read("VmRSS:");

    private static ulong Read(string field)
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith(field, StringComparison.Ordinal))
                return ulong.Parse(line.AsSpan(field.Length).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture) * 1024;
        }

        return 0;
    }
}
