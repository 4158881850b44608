namespace Orchestrator.Coordinator.Datasets;

/// <summary>What is wrong with a row, without a full stop; whoever reads the file adds where.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="line">Lines after the record's first on which it is; 0 where it is on the first, or the row as a whole is meant.</param>
/// <param name="inner">What was caught.</param>
internal sealed class RowException(string message, long line = 0, Exception? inner = null) : Exception(message, inner)
{
    public long Line => line;

    /// <summary>The same as a user's mistake.</summary>
    public InvalidInputException At(string file, long firstLine) => new($"{file}, line {firstLine + line}: {Message}.", this);
}
