using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>What a run that ends before its time says: its sentences, one a line, and nothing else but progress.</summary>
internal static class Refusal
{
    private const string Mark = "error: ";

    // The plain lines of a run that goes on, after those of its data.
    private const string Progress = @"^(data\.\w+: \d.*| +[\d-]+ tokens  .*|(info|warning) \[[a-z-]+\] .*|(queued|planning|loading|running|finishing|cancelled)(: .*)?|step \d+/\d+  .*|loss  [\d.]+ [▁-█ ]+ [\d.]+|\S+: [\d.]+ \wB of .* left|stopping after the current step; .*)$";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Holds the exit code, and each error line, in order, against the pattern of its sentence.</summary>
    public static void Check(RunResult result, int exitCode, params string[] sentences)
    {
        Assert.True(result.ExitCode == exitCode, result.ToString());
        Assert.True(result.Output.Length == 0, $"results of a run that has none\n{result}");
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] errors = [.. lines.Where(line => line.StartsWith(Mark, StringComparison.Ordinal))];
        Assert.True(errors.Length == sentences.Length, $"{errors.Length} errors, not {sentences.Length}\n{result}");
        Assert.True(lines.TakeLast(errors.Length).SequenceEqual(errors), $"an error is not the last that is said\n{result}");
        foreach (var (line, sentence) in errors.Zip(sentences))
        {
            Assert.True(Regex.IsMatch(line, sentence, RegexOptions.IgnoreCase, Patience), $"no sentence like {sentence}\n{result}");
            Assert.Matches(@"[.?]$", line);
            Assert.DoesNotContain("Exception", line, StringComparison.Ordinal);
        }

        Assert.All(lines.Except(errors), line => Assert.Matches(Progress, line));
    }
}
