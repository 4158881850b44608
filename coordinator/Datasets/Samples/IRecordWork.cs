namespace Orchestrator.Coordinator.Datasets;

/// <summary>Makes a sample of a record.</summary>
/// <remarks>Called by several threads at once, each with a batch of its own.</remarks>
internal interface IRecordWork
{
    /// <exception cref="RowException">The record is no row, or cannot become a sample.</exception>
    void Process(ReadOnlyMemory<byte> record, RecordPlace place, SampleBatch batch);
}
