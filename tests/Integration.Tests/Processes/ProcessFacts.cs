using System.Text;

namespace Orchestrator.Integration.Tests.Processes;

/// <summary>What the system knows of a running process.</summary>
internal static class ProcessFacts
{
    /// <summary>The program and its arguments.</summary>
    public static string[] CommandLine(int id) => Strings($"/proc/{id}/cmdline");

    /// <summary>The value of an environment variable that the process was started with.</summary>
    public static string Variable(int id, string name) =>
        Strings($"/proc/{id}/environ").First(pair => pair.StartsWith($"{name}=", StringComparison.Ordinal))[(name.Length + 1)..];

    /// <summary>The processors that this process may use.</summary>
    public static IReadOnlyList<int> Processors() =>
        [.. File.ReadLines("/proc/self/status").First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Split(',').SelectMany(Range)];

    private static string[] Strings(string file) => Encoding.UTF8.GetString(File.ReadAllBytes(file)).Split('\0', StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<int> Range(string text)
    {
        int[] ends = [.. text.Split('-').Select(end => int.Parse(end.Trim()))];
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
