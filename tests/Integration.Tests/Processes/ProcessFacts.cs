namespace Orchestrator.Integration.Tests.Processes;

/// <summary>What the system knows of a running process.</summary>
internal static class ProcessFacts
{
    /// <summary>The processors that this process may use.</summary>
    public static IReadOnlyList<int> Processors() =>
        [.. File.ReadLines("/proc/self/status").First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Split(',').SelectMany(Range)];

    private static IEnumerable<int> Range(string text)
    {
        int[] ends = [.. text.Split('-').Select(end => int.Parse(end.Trim()))];
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
