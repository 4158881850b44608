using System.ComponentModel;
using System.Diagnostics;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli;

/// <summary>One life of an embedded worker: the process, the pipe that keeps it alive, and its stderr.</summary>
/// <remarks>
/// The worker ends when its stdin closes, so that it does not outlive this process whatever ends it. Every line of its output goes to the run's log
/// under its name. Thread-safe.
/// </remarks>
internal sealed class WorkerProcess : IDisposable
{
    private const int KeptLines = 8;
    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();

    private WorkerProcess(Process process, string name, RunLog log)
    {
        _process = process;
        Name = name;
        Id = process.Id;
        process.ErrorDataReceived += (_, line) => Keep(line.Data, log);
        process.OutputDataReceived += (_, line) => Keep(line.Data, log);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        Exited = WaitAsync();
    }

    public string Name { get; }

    public int Id { get; }

    /// <summary>Ends when the process has.</summary>
    public Task<WorkerExit> Exited { get; }

    /// <exception cref="InvalidInputException">The program is missing or is none.</exception>
    public static WorkerProcess Start(WorkerLaunch launch, int index, RunLog log)
    {
        var info = new ProcessStartInfo(launch.Executable, launch.ArgumentsOf(index))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (variable, value) in launch.Variables)
        {
            info.Environment[variable] = value;
        }

        try
        {
            return new WorkerProcess(Process.Start(info)!, WorkerLaunch.NameOf(index), log);
        }
        catch (Win32Exception failure)
        {
            throw new InvalidInputException($"The worker {launch.Executable} cannot be started ({failure.Message}): {WorkerLaunch.Advice}.", failure);
        }
    }

    /// <summary>Lets the worker end by itself: closes the pipe that it watches.</summary>
    public void CloseInput()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            // It has ended already.
        }
    }

    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception gone) when (gone is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended already.
        }
    }

    public void Dispose() => _process.Dispose();

    private async Task<WorkerExit> WaitAsync()
    {
        await _process.WaitForExitAsync();
        lock (_gate) return new WorkerExit(_process.ExitCode, [.. _lines]);
    }

    private void Keep(string? line, RunLog log)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return;
        }

        var (level, text) = WorkerLine.Parse(line);
        log.Write(level, Name, text);
        lock (_gate)
        {
            if (_lines.Count == KeptLines)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(text);
        }
    }
}
