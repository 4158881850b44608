using System.Diagnostics;

namespace Orchestrator.Worker.Tests;

/// <summary>The worker's program as a process of its own, with a join token and its streams in the test's hands.</summary>
internal static class WorkerProgram
{
    /// <param name="folder">The folder that it runs in; null: the test's.</param>
    /// <param name="arguments">Its arguments.</param>
    public static Process Start(string? folder, params IEnumerable<string> arguments)
    {
        // A shell that runs the tests in the background has SIGINT ignored, and what it starts inherits that.
        var start = new ProcessStartInfo("/usr/bin/env", ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "orchestrator-worker"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        start.Environment["ORCHESTRATOR_JOIN_TOKEN"] = "join";
        return Process.Start(start)!;
    }

    /// <summary>Starts it as a worker of a coordinator, by the name <c>worker-7</c>.</summary>
    public static Process StartAt(Uri coordinator, string? folder = null, bool owned = false) =>
        Start(folder, ["--coordinator", coordinator.ToString(), "--name", "worker-7", "--threads", "1", .. owned ? (string[])["--owned"] : []]);
}
