namespace Orchestrator.Coordinator.Datasets;

/// <summary>Where a record stands.</summary>
/// <param name="File">Index of its file in the list that is read.</param>
/// <param name="Line">Line of its first byte, from 1.</param>
/// <param name="Column">Bytes before it on that line.</param>
/// <param name="Offset">Bytes before it in the file.</param>
internal readonly record struct RecordPlace(int File, long Line, long Column, long Offset);
