namespace Orchestrator.Coordinator.Datasets;

/// <summary>What became of the rows of a split's files.</summary>
internal sealed record SplitCounts(long Rows, long DroppedTooLong, long Truncated, long DroppedUnlabelled)
{
    public SplitCounts Plus(SplitCounts other) =>
        new(Rows + other.Rows, DroppedTooLong + other.DroppedTooLong, Truncated + other.Truncated, DroppedUnlabelled + other.DroppedUnlabelled);
}
