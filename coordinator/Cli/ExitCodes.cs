namespace Orchestrator.Coordinator.Cli;

/// <summary>What a command's exit code says.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>It ran and failed.</summary>
    public const int Failed = 1;

    /// <summary>The request is wrong and nothing was started.</summary>
    public const int WrongRequest = 2;

    /// <summary>It was interrupted, and <c>--resume</c> goes on with it.</summary>
    public const int Interrupted = 3;
}
