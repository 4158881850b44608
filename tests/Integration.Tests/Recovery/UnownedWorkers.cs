using Orchestrator.Coordinator.Cli;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Recovery;

/// <summary>Worker processes that nobody owns: they outlive whoever started them, and each writes its own log.</summary>
internal sealed class UnownedWorkers(TemporaryFolder folder) : IDisposable
{
    // Together a second.
    private const int CalmLooks = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly List<OrchestratorProcess> _started = [];
    private readonly List<int> _adopted = [];

    /// <summary>The program to start in a worker's place, with a worker's arguments.</summary>
    public string Program { get; } = folder.WriteProgram("unowned.sh", $$"""
        #!/bin/sh
        for word in "$@"; do shift; [ "$word" = --owned ] || set -- "$@" "$word"; [ "$before" = --name ] && name=$word; before=$word; done
        exec {{Repository.Worker}} "$@" </dev/null >>{{folder.FullPath}}/$name.log 2>&1

        """);

    /// <summary>Starts them; they end with this object.</summary>
    /// <returns>Their processes.</returns>
    public IReadOnlyList<int> Start(WorkerLaunch launch)
    {
        _started.AddRange(Enumerable.Range(0, launch.Count).Select(index => OrchestratorProcess.StartProgram(Program, [.. launch.ArgumentsOf(index)], launch.Variables)));
        return [.. _started.Select(process => process.Id)];
    }

    /// <summary>Takes over what somebody else started; they end with this object, too.</summary>
    public void Adopt(IEnumerable<int> processes) => _adopted.AddRange(processes);

    /// <summary>What a worker has logged so far.</summary>
    public string Log(string worker) => File.ReadAllText(folder[$"{worker}.log"]);

    /// <summary>Waits until none of these processes has computed for a second.</summary>
    /// <remarks>A thread that waits for a processor, which on a busy machine takes long, computes.</remarks>
    public static async Task RestAsync(IReadOnlyList<int> workers, CancellationToken cancellationToken)
    {
        for (int calm = 0; calm < CalmLooks; calm = workers.Any(Computes) ? 0 : calm + 1)
        {
            await Task.Delay(Pause, cancellationToken);
        }
    }

    public void Dispose()
    {
        _started.ForEach(process => process.Dispose());
        OrchestratorProcess.KillAtOnce(_adopted);
    }

    private static bool Computes(int worker)
    {
        string[] threads = [.. Directory.EnumerateDirectories($"/proc/{worker}/task").Select(Stat).Where(stat => stat.Contains("(compute)", StringComparison.Ordinal))];
        Assert.True(threads.Length > 0, $"process {worker} has no compute thread");
        return threads.Any(stat => !stat.Contains("(compute) S", StringComparison.Ordinal));
    }

    private static string Stat(string thread)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "stat"));
        }
        catch (IOException)
        {
            // It has ended.
            return "";
        }
    }
}
