namespace Orchestrator.Coordinator.Datasets;

/// <summary>JSON Lines: a record a line.</summary>
internal sealed class LineRecords(string path) : RecordReader
{
    private readonly JsonLines _lines = new(path);

    public override ReadOnlyMemory<byte> Record => _lines.Line;

    public override RecordPlace Place => _lines.Place;

    public override long BytesRead => _lines.BytesRead;

    public override bool Read() => _lines.Read();

    public override void Dispose() => _lines.Dispose();
}
