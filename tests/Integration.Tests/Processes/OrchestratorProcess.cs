using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Orchestrator.Integration.Tests.Processes;

/// <summary>What a finished run of the program left on its streams.</summary>
internal sealed record RunResult(int ExitCode, string Output, string Errors, TimeSpan Duration)
{
    /// <summary>Its output as JSON lines.</summary>
    public IReadOnlyList<JsonElement> JsonLines => [.. Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];

    /// <summary>The last line of its output as JSON.</summary>
    public JsonElement LastJson => JsonDocument.Parse(Output.TrimEnd().Split('\n')[^1]).RootElement;

    public override string ToString() => $"exit code {ExitCode} after {Duration.TotalSeconds:F1} s\n--- stdout\n{Output}\n--- stderr\n{Errors}";
}

/// <summary>Runs the built coordinator as a real process and finds the processes that it started.</summary>
/// <remarks>Every run carries an environment variable of its own, which its workers inherit: so children are found even after their parent died.</remarks>
internal sealed class OrchestratorProcess : IDisposable
{
    private const string Mark = "ORCHESTRATOR_TEST_RUN";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);
    private readonly string _mark = Guid.NewGuid().ToString("N");
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly long _started = Stopwatch.GetTimestamp();

    private OrchestratorProcess(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        // A shell that runs the tests in the background has SIGINT ignored, and what it starts inherits that.
        var start = new ProcessStartInfo("/usr/bin/env", ["--default-signal=INT", program, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment[Mark] = _mark;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>What it has printed to stdout so far.</summary>
    public string Output => Text(_output);

    /// <summary>What it has printed to stderr so far.</summary>
    public string Errors => Text(_errors);

    /// <summary>Starts the coordinator with these arguments.</summary>
    public static OrchestratorProcess Start(params string[] arguments) => new(Repository.Coordinator, arguments, environment: null);

    /// <summary>Starts another program: a worker, or one (taskset, a shell) that starts the coordinator.</summary>
    public static OrchestratorProcess StartProgram(string program, string[] arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        new(program, arguments, environment);

    /// <summary>Runs the coordinator to its end and checks that it left no process behind.</summary>
    public static RunResult Run(params string[] arguments)
    {
        using var process = Start(arguments);
        return process.Finish();
    }

    /// <summary>Waits for the end; fails when it takes too long or leaves a process behind.</summary>
    public RunResult Finish()
    {
        if (!_process.WaitForExit(Limit))
        {
            throw new TimeoutException($"not done after {Limit}\n{Errors}");
        }

        _process.WaitForExit();
        var left = WaitForNoChildren(TimeSpan.FromSeconds(5));
        Assert.True(left.Count == 0, $"processes left behind: {string.Join(", ", left)}\n{Errors}");
        return new RunResult(_process.ExitCode, Output, Errors, Stopwatch.GetElapsedTime(_started));
    }

    /// <summary>Writes to its stdin.</summary>
    public void Type(string keys)
    {
        _process.StandardInput.Write(keys);
        _process.StandardInput.Flush();
    }

    /// <summary>Processes that carry this run's mark, the coordinator itself left out.</summary>
    public IReadOnlyList<int> Children() =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!)).Where(id => id != Id && HasMark(id))];

    /// <summary>Waits until no process carries the mark; what is left after that time.</summary>
    public IReadOnlyList<int> WaitForNoChildren(TimeSpan patience)
    {
        long since = Stopwatch.GetTimestamp();
        var left = Children();
        while (left.Count > 0 && Stopwatch.GetElapsedTime(since) < patience)
        {
            Thread.Sleep(50);
            left = Children();
        }

        return left;
    }

    /// <summary>Waits until the condition holds; false when the process ended or two minutes went by before.</summary>
    public bool WaitUntil(Func<bool> condition)
    {
        long since = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(since) > TimeSpan.FromMinutes(2))
            {
                return condition();
            }

            Thread.Sleep(20);
        }

        return true;
    }

    /// <summary>SIGKILL to a process of this run.</summary>
    public static void Kill(int id) => Signal(id, "KILL");

    /// <summary>SIGKILL to all of them at once, without the delay of a command: the moment counts.</summary>
    public static void KillAtOnce(IEnumerable<int> ids)
    {
        foreach (int id in ids)
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
            {
                // It ended by itself.
            }
        }
    }

    public static void Signal(int id, string signal)
    {
        using var kill = Process.Start("/bin/kill", ["-s", signal, id.ToString()]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        foreach (int id in Children().Append(Id).Where(id => HasMark(id)))
        {
            Kill(id);
        }

        _process.Dispose();
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private bool HasMark(int id)
    {
        try
        {
            // A zombie has no environment any more and does not count.
            return File.ReadAllText($"/proc/{id}/environ").Contains($"{Mark}={_mark}", StringComparison.Ordinal);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
