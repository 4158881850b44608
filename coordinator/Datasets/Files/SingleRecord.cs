namespace Orchestrator.Coordinator.Datasets;

/// <summary>A file that is one JSON object, laid out over lines.</summary>
internal sealed class SingleRecord(string path) : RecordReader
{
    private byte[]? _content;
    private bool _isRead;

    public override ReadOnlyMemory<byte> Record => _content;

    public override RecordPlace Place => new(0, 1, 0, 0);

    public override long BytesRead => _content?.Length ?? 0;

    public override bool Read()
    {
        if (_isRead)
        {
            return false;
        }

        _isRead = true;
        using var stream = FileWindow.Open(path);
        if (stream.Length > FileWindow.MaxRecordBytes)
        {
            throw new InvalidInputException($"{path} is one JSON object of more than {FileWindow.MaxRecordBytes} bytes, which is not a sample; give JSON Lines or an array of records.");
        }

        _content = new byte[stream.Length];
        stream.ReadExactly(_content);
        _content = _content.AsSpan().StartsWith("\uFEFF"u8) ? _content[3..] : _content;
        return true;
    }

    public override void Dispose() => _content = null;
}
