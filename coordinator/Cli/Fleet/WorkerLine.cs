using System.Text.RegularExpressions;

namespace Orchestrator.Coordinator.Cli;

/// <summary>A line of a worker's output: its level and its text, without the prefix of the worker's own console log.</summary>
internal sealed partial record WorkerLine(LogLevel Level, string Text)
{
    /// <summary>A line without such a prefix (a runtime's last words, say) is kept whole.</summary>
    public static WorkerLine Parse(string line)
    {
        var match = Prefix().Match(line);
        return match.Success ? new WorkerLine(LevelOf(match.Groups["level"].Value), line[match.Length..].Trim()) : new WorkerLine(LogLevel.Information, line.Trim());
    }

    private static LogLevel LevelOf(string word) => word switch
    {
        "trce" or "dbug" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "fail" or "crit" => LogLevel.Error,
        _ => LogLevel.Information,
    };

    [GeneratedRegex(@"^(?<level>trce|dbug|info|warn|fail|crit): [\w.]+\[\d+\] ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Prefix();
}
