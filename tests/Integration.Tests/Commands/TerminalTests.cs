using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Processes;
using Orchestrator.Integration.Tests.Refusals;

namespace Orchestrator.Integration.Tests.Commands;

/// <summary><c>train</c> as a person at a terminal sees it, through a real pseudo-terminal.</summary>
[Collection(nameof(Alone))]
public sealed partial class TerminalTests
{
    [Fact]
    public void Train_OnATerminal_ShowsProgressInPlaceAndStopsAtCtrlC()
    {
        using var job = new WorkingJob();
        job.Replace("model: base", "name: at-the-terminal\nmodel: base");
        job.Replace("max_steps: 2", "max_steps: 100000");
        job.Environment["TERM"] = "xterm-256color";
        job.Environment["SHELL"] = "/bin/sh";
        string command = $"stty cols 160 rows 50; exec {Repository.Coordinator} {string.Join(' ', job.TrainArguments("--workers", "2"))}";
        using var process = job.Start([], "script", "--quiet", "--return", "--command", command, "/dev/null");

        Assert.True(process.WaitUntil(() => Text(process.Output).Contains("step 20/100000", StringComparison.Ordinal)
            && BusyWorker().IsMatch(Text(process.Output))), Text(process.Output));
        process.Type("\u0003");
        var result = process.Finish();

        string shown = Text(result.Output);
        Assert.True(result.ExitCode == 3, shown);
        Assert.Contains("\u001b[", result.Output, StringComparison.Ordinal);
        Assert.Matches("at-the-terminal  running", shown);
        Assert.Matches(@"━{40}  step \d+/100000  \d+%  [\d:]+( s)? left", shown.Replace(" %", "%", StringComparison.Ordinal));
        Assert.Matches(@"loss \d+\.\d{4}  grad norm \d+\.\d{4}  lr \d\.\d\de[+-]\d+  [\d.,]+ tokens/s", shown);
        Assert.Matches(@"loss  \d+\.\d{4} [▁-█]{2,40} \d+\.\d{4}", shown);
        Assert.Matches(@"worker +replica +stage +layers +doing", shown);
        foreach (int replica in new[] { 0, 1 })
        {
            Assert.Matches($@"worker-{replica} +{replica} +0 +0 to \d", shown);
        }

        Assert.Matches(@"error: Stopped after step \d+ of 100000, whose state is saved; train --resume goes on", shown);
        job.AssertOnlyWholeFiles();
    }

    private static string Text(string output) => Escape().Replace(output, "").Replace("\r", "", StringComparison.Ordinal);

    [GeneratedRegex("\u001b\\[[0-9;?]*[A-Za-z]", RegexOptions.None, 1000)]
    private static partial Regex Escape();

    // Replica, stage, layers, and then what the worker does.
    [GeneratedRegex(@"worker-[01] +[01] +0 +0 to \d +\w+", RegexOptions.None, 1000)]
    private static partial Regex BusyWorker();
}
