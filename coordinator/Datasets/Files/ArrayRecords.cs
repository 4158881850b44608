using System.Buffers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A JSON array of records, read element by element: the file may be larger than memory.</summary>
/// <remarks>Finds where elements begin and end and checks what stands between them; what stands inside is the parser's business.</remarks>
internal sealed class ArrayRecords(string path) : RecordReader
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[],"u8);
    private static readonly SearchValues<byte> InsideText = SearchValues.Create("\"\\"u8);

    private readonly FileWindow _file = new(path);
    private long _line = 1;
    private long _lineOffset;
    private bool _opened;
    private bool _closed;
    private ReadOnlyMemory<byte> _record;
    private RecordPlace _place;

    public override ReadOnlyMemory<byte> Record => _record;

    public override RecordPlace Place => _place;

    public override long BytesRead => _file.Offset;

    private long Column => _file.Offset - _lineOffset + 1;

    public override bool Read()
    {
        if (_closed)
        {
            return false;
        }

        if (!_opened)
        {
            Open();
            return SkipSpace() == ']' ? Close() : TakeElement();
        }

        var separator = SkipSpace() ?? throw Wrong("the file ends before the closing ] of its array");
        if (separator == ']')
        {
            return Close();
        }

        if (separator != ',')
        {
            throw Wrong("a comma or the closing ] of the array is expected");
        }

        var (line, column) = (_line, Column);
        _file.Take(1);
        return SkipSpace() == ']' ? throw Wrong("the comma before ] is one too many", line, column) : TakeElement();
    }

    public override void Dispose() => _file.Dispose();

    private void Open()
    {
        while (_file.Unread.Length < 3 && Fill())
        {
        }

        if (_file.Unread.Span.StartsWith("\uFEFF"u8))
        {
            _file.Take(3);
            _lineOffset = 3;
        }

        if (SkipSpace() != '[')
        {
            throw Wrong("an array of records is expected");
        }

        _file.Take(1);
        _opened = true;
    }

    private bool Close()
    {
        _file.Take(1);
        _closed = true;
        return SkipSpace() is null ? false : throw Wrong("something follows the closing ] of the array");
    }

    private bool TakeElement()
    {
        if (SkipSpace() is null)
        {
            throw Wrong("the file ends before the closing ] of its array");
        }

        _place = new RecordPlace(0, _line, Column - 1, _file.Offset);
        // The buffer may move until the element is whole.
        var length = ElementLength();
        _record = _file.Unread[..length];
        CountLines(_record.Span);
        _file.Take(length);
        return true;
    }

    /// <summary>Bytes of the element that begins here, the buffer made to hold it whole.</summary>
    private int ElementLength()
    {
        var (searched, depth) = (0, 0);
        while (true)
        {
            var found = Find(Structure, ref searched);
            switch (found)
            {
                case (byte)'"':
                    SkipText(ref searched);
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    searched++;
                    break;
                case (byte)',' when depth == 0:
                    return searched;
                case (byte)'}' or (byte)']' when depth == 0:
                    return searched;
                case (byte)'}' or (byte)']' when --depth == 0:
                    return searched + 1;
                default:
                    searched++;
                    break;
            }
        }
    }

    private void SkipText(ref int searched)
    {
        searched++;
        while (Find(InsideText, ref searched) == '\\')
        {
            searched++;
            // The escaped character may lie in the next part of the file.
            while (searched >= _file.Unread.Length && Fill())
            {
            }

            searched++;
        }

        searched++;
    }

    private byte Find(SearchValues<byte> values, ref int searched)
    {
        while (true)
        {
            var unread = _file.Unread.Span;
            var from = Math.Min(searched, unread.Length);
            var found = unread[from..].IndexOfAny(values);
            if (found >= 0)
            {
                searched = from + found;
                return unread[searched];
            }

            searched = unread.Length;
            if (!Fill())
            {
                throw new InvalidInputException($"{path}, line {_place.Line}, column {_place.Column + 1}: the file ends inside the record that begins here.");
            }
        }
    }

    /// <summary>The next byte that is not white space, which stays unread; null at the end of the file.</summary>
    private byte? SkipSpace()
    {
        while (true)
        {
            var unread = _file.Unread.Span;
            var space = unread.IndexOfAnyExcept(" \t\r\n"u8);
            var length = space < 0 ? unread.Length : space;
            CountLines(unread[..length]);
            _file.Take(length);
            if (space >= 0)
            {
                return unread[space];
            }

            if (!Fill())
            {
                return null;
            }
        }
    }

    private void CountLines(ReadOnlySpan<byte> bytes)
    {
        var feeds = bytes.Count((byte)'\n');
        if (feeds > 0)
        {
            _line += feeds;
            _lineOffset = _file.Offset + bytes.LastIndexOf((byte)'\n') + 1;
        }
    }

    private bool Fill() => _file.Fill(_line, "record");

    private InvalidInputException Wrong(string what) => Wrong(what, _line, Column);

    private InvalidInputException Wrong(string what, long line, long column) => new($"{path}, line {line}, column {column}: {what}.");
}
