using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Orchestrator.Chaos;

/// <summary>A <c>train</c> with its worker processes, found by a variable of their environment that is theirs alone.</summary>
internal sealed partial class TrainProcess : IDisposable
{
    private const string Mark = "ORCHESTRATOR_CHAOS_RUN";
    private readonly string _mark = Guid.NewGuid().ToString("N");
    private readonly List<PrintedLine> _lines = [];
    private readonly Process _process;

    /// <param name="program">The coordinator.</param>
    /// <param name="arguments">Of the command line.</param>
    /// <param name="worker">The worker's program; null: the coordinator's own.</param>
    public TrainProcess(string program, IEnumerable<string> arguments, string? worker)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Mark] = _mark;
        if (worker is not null)
        {
            start.Environment["ORCHESTRATOR_WORKER"] = worker;
        }

        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    /// <summary>What it has printed so far.</summary>
    public IReadOnlyList<PrintedLine> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The same as one text.</summary>
    public string Text => PrintedLine.Join(Lines);

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public int Finish()
    {
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Sends a signal to the newest life of a worker.</summary>
    /// <returns>The process it was sent to; null: there is none now.</returns>
    public int? Signal(string worker, int signal)
    {
        int? id = Find(worker);
        return id is { } found && Send(found, signal) == 0 ? found : null;
    }

    /// <summary>Sends a signal to a process, if it still is one of this run.</summary>
    public void Signal(int id, int signal)
    {
        if (Read(id, "environ").Contains(_mark, StringComparison.Ordinal))
        {
            _ = Send(id, signal);
        }
    }

    /// <summary>Ends it and its workers.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    public void Dispose()
    {
        Kill();
        _process.WaitForExit();

        _process.Dispose();
    }

    private int? Find(string worker) => Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), out int id) ? id : 0)
        .Where(id => id > 0 && IsWorker(id, worker)).Order().Cast<int?>().LastOrDefault();

    private bool IsWorker(int id, string worker)
    {
        string[] words = Read(id, "cmdline").Split('\0');
        int at = Array.IndexOf(words, "--name");
        return at >= 0 && at + 1 < words.Length && words[at + 1] == worker && Read(id, "environ").Contains(_mark, StringComparison.Ordinal);
    }

    private static string Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/{file}");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lock (_lines)
            {
                _lines.Add(new PrintedLine(DateTimeOffset.UtcNow, line));
            }
        }
    }

    // Without the delay of a command: the moment counts.
    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int process, int signal);
}
