namespace Orchestrator.Coordinator.Cli;

/// <summary>Where a command speaks: results to one writer, progress and errors to the other.</summary>
/// <param name="Results">stdout.</param>
/// <param name="Messages">stderr.</param>
/// <param name="IsTerminal">A person looks at the messages: progress may move.</param>
internal sealed record CommandOutput(TextWriter Results, TextWriter Messages, bool IsTerminal)
{
    /// <summary>A person looks at the results: they may be coloured.</summary>
    public bool ColoursResults { get; init; }

    /// <summary>The process's own streams; from then on stdout belongs to results alone.</summary>
    public static CommandOutput OfProcess()
    {
        var results = Console.Out;
        // While it shuts down, Akka's last logger writes to the console whatever its level; run.log has these lines already.
        Console.SetOut(TextWriter.Null);
        var isCapable = Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } terminal && terminal != "dumb";
        return new CommandOutput(results, Console.Error, isCapable && !Console.IsErrorRedirected)
        {
            ColoursResults = isCapable && !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        };
    }

    /// <summary>Says why the command ends; several reasons stand on a line each.</summary>
    public void Error(string sentence)
    {
        foreach (var line in sentence.Split('\n')) Messages.WriteLine($"error: {line}");
    }
}
