namespace Orchestrator.Coordinator.Datasets;

/// <summary>Remarks of one kind.</summary>
internal sealed class RemarkGroup(RemarkCode code)
{
    public RemarkCode Code => code;

    public long Count { get; set; }

    /// <summary>The first of them, in the order of the data.</summary>
    public List<DataRemark> First { get; init; } = [];
}
