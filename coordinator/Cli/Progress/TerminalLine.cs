namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>One line that tells a person at a terminal how far a command is, and is gone when it is done; elsewhere nothing.</summary>
internal sealed class TerminalLine(CommandOutput output)
{
    private const string Erase = "\r\u001b[K";
    private bool _isShown;

    public void Show(string text)
    {
        if (!output.IsTerminal) return;
        output.Messages.Write($"{Erase}{text}");
        _isShown = true;
    }

    public void Clear()
    {
        if (_isShown) output.Messages.Write(Erase);
        _isShown = false;
    }
}
