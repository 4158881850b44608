namespace Orchestrator.Coordinator.Datasets;

/// <summary>How far the reading of a split is.</summary>
/// <param name="File">The file that is being read.</param>
/// <param name="Rows">Rows of all the split's files so far.</param>
/// <param name="BytesRead">Bytes of all the split's files that are done with.</param>
/// <param name="TotalBytes">Bytes of all the split's files.</param>
internal sealed record DatasetProgress(string File, long Rows, long BytesRead, long TotalBytes);
