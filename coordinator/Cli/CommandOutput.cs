namespace Orchestrator.Coordinator.Cli;

/// <summary>Where a command speaks: results to one writer, progress and errors to the other.</summary>
/// <param name="Results">stdout.</param>
/// <param name="Messages">stderr.</param>
/// <param name="IsTerminal">A person looks at the messages: progress may move.</param>
internal sealed record CommandOutput(TextWriter Results, TextWriter Messages, bool IsTerminal)
{
    public static CommandOutput OfProcess() => new(Console.Out, Console.Error,
        !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } terminal && terminal != "dumb");

    /// <summary>Says why the command ends.</summary>
    public void Error(string sentence) => Messages.WriteLine($"error: {sentence}");
}
