namespace Orchestrator.Coordinator.Jobs;

/// <summary>What happens to a sample longer than max_length.</summary>
internal enum Truncation
{
    Drop,

    /// <summary>The end is cut off.</summary>
    Right,

    /// <summary>The start is cut off.</summary>
    Left,
    Error,
}
