using System.Text;

namespace Orchestrator.Coordinator.Telemetry;

/// <summary>The log of a run: lines wait in memory until the run has a folder, then go to its run.log.</summary>
/// <remarks>Thread-safe. A log that cannot be written (a full disk) is no reason to end a run: the line is dropped.</remarks>
internal sealed class RunLog(TimeProvider time, TextWriter? warnings = null) : ILoggerProvider
{
    private const int MaxWaiting = 10_000;
    private readonly Lock _gate = new();
    private readonly Queue<string> _waiting = new();
    private StreamWriter? _file;
    private string? _refused;

    /// <summary>The file, once there is one.</summary>
    public string? Path { get; private set; }

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

    /// <summary>From here on lines go to this file, those that waited first.</summary>
    public void WriteTo(string path)
    {
        lock (_gate)
        {
            if (_file is not null || path == _refused)
            {
                return;
            }

            try
            {
                _file = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete), new UTF8Encoding(false)) { AutoFlush = true };
                Path = path;
                while (_waiting.TryDequeue(out var line))
                {
                    _file.WriteLine(line);
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                _refused = path;
                warnings?.WriteLine($"warning: {path} cannot be written, so this run has no log: {failure.Message}");
            }
        }
    }

    /// <summary>A line in the log from a source outside the host's loggers, such as a worker's stderr.</summary>
    public void Write(LogLevel level, string source, string text)
    {
        var line = $"{time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {Name(level)} {source}: {text}";
        lock (_gate)
        {
            try
            {
                if (_file is not null)
                {
                    _file.WriteLine(line);
                }
                else if (_waiting.Count < MaxWaiting)
                {
                    _waiting.Enqueue(line);
                }
            }
            catch (IOException)
            {
                // As said above.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            try
            {
                _file?.Dispose();
            }
            catch (IOException)
            {
                // As said above.
            }
        }
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };

    private sealed class Category(RunLog log, string source) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = formatter(state, exception);
            log.Write(logLevel, source, exception is null ? text : $"{text}{Environment.NewLine}{exception}");
        }
    }
}
