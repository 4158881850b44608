namespace Orchestrator.Coordinator.Tests.Preflight;

/// <summary>The share of rows or answers from which what is wrong with them stops a job: half.</summary>
internal static class ErrorShare
{
    /// <summary>How many are wrong, of how many, and how severe that is.</summary>
    public static TheoryData<int, int, string> Cases { get; } = new()
    {
        { 1, 1, "Error" },
        { 1, 2, "Error" },
        { 1, 3, "Warning" },
        { 2, 3, "Error" },
        { 49, 99, "Warning" },
        { 50, 99, "Error" },
        { 50, 100, "Error" },
        { 50, 101, "Warning" },
    };
}
