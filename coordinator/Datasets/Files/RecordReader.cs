namespace Orchestrator.Coordinator.Datasets;

/// <summary>A data file as a sequence of records: the bytes of one JSON value each, not yet parsed.</summary>
/// <remarks>For one thread. <see cref="Record"/> is valid until the next <see cref="Read"/>. Memory is bounded by the longest record.</remarks>
internal abstract class RecordReader : IDisposable
{
    public abstract ReadOnlyMemory<byte> Record { get; }

    /// <summary>Where the record begins; its file is 0.</summary>
    public abstract RecordPlace Place { get; }

    /// <summary>Bytes of the file that are done with.</summary>
    public abstract long BytesRead { get; }

    /// <summary>Goes to the next record; false at the end of the file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read or is not made of records; the sentence names it and the place.</exception>
    public abstract bool Read();

    public abstract void Dispose();
}
