using System.Buffers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A JSON array of records, read element by element: the file may be larger than memory.</summary>
/// <remarks>Finds where elements begin and end and checks what stands between them; what stands inside is the parser's business.</remarks>
internal sealed class ArrayRecords : RecordReader
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[],"u8);
    private static readonly SearchValues<byte> InsideText = SearchValues.Create("\"\\"u8);

    private readonly FileStream _stream;
    private readonly string _path;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
    private int _at;
    private int _end;
    private long _bufferOffset;
    private bool _finished;
    private long _line = 1;
    private long _lineOffset;
    private bool _opened;
    private bool _closed;
    private ReadOnlyMemory<byte> _record;
    private RecordPlace _place;

    public ArrayRecords(string path)
    {
        _path = path;
        _stream = JsonLines.OpenFile(path);
    }

    public override ReadOnlyMemory<byte> Record => _record;

    public override RecordPlace Place => _place;

    public override long BytesRead => Offset;

    private long Offset => _bufferOffset + _at;

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

        var comma = Wrong("the comma before ] is one too many");
        _at++;
        return SkipSpace() == ']' ? throw comma : TakeElement();
    }

    public override void Dispose()
    {
        _stream.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Open()
    {
        while (_end < 3 && Fill())
        {
        }

        if (_buffer.AsSpan(0, _end).StartsWith("\uFEFF"u8))
        {
            _at = 3;
            _lineOffset = 3;
        }

        if (SkipSpace() != '[')
        {
            throw Wrong("an array of records is expected");
        }

        _at++;
        _opened = true;
    }

    private bool Close()
    {
        _at++;
        _closed = true;
        return SkipSpace() is null ? false : throw Wrong("something follows the closing ] of the array");
    }

    private bool TakeElement()
    {
        if (SkipSpace() is null)
        {
            throw Wrong("the file ends before the closing ] of its array");
        }

        _place = new RecordPlace(0, _line, Offset - _lineOffset, Offset);
        var length = ElementLength();
        _record = _buffer.AsMemory(_at, length);
        CountLines(_buffer.AsSpan(_at, length));
        _at += length;
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
            while (_at + searched >= _end && Fill())
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
            var from = Math.Min(_at + searched, _end);
            var found = _buffer.AsSpan(from, _end - from).IndexOfAny(values);
            if (found >= 0)
            {
                searched = from - _at + found;
                return _buffer[_at + searched];
            }

            searched = _end - _at;
            if (!Fill())
            {
                throw new InvalidInputException($"{_path}, line {_place.Line}, column {_place.Column + 1}: the file ends inside the record that begins here.");
            }
        }
    }

    /// <summary>The next byte that is not white space, which stays unread; null at the end of the file.</summary>
    private byte? SkipSpace()
    {
        while (true)
        {
            while (_at < _end)
            {
                switch (_buffer[_at])
                {
                    case (byte)'\n':
                        _at++;
                        (_line, _lineOffset) = (_line + 1, Offset);
                        break;
                    case (byte)' ' or (byte)'\t' or (byte)'\r':
                        _at++;
                        break;
                    default:
                        return _buffer[_at];
                }
            }

            if (!Fill())
            {
                return null;
            }
        }
    }

    private void CountLines(ReadOnlySpan<byte> element)
    {
        var feeds = element.Count((byte)'\n');
        if (feeds > 0)
        {
            _line += feeds;
            _lineOffset = Offset + element.LastIndexOf((byte)'\n') + 1;
        }
    }

    /// <summary>Reads more of the file behind what is there; false at its end.</summary>
    private bool Fill()
    {
        if (_finished)
        {
            return false;
        }

        if (_end - _at > JsonLines.MaxLineBytes)
        {
            throw new InvalidInputException($"{_path}, line {_line}: the record is longer than {JsonLines.MaxLineBytes} bytes, which is not a sample.");
        }

        if (_at > 0)
        {
            _buffer.AsSpan(_at, _end - _at).CopyTo(_buffer);
            _bufferOffset += _at;
            (_at, _end) = (0, _end - _at);
        }

        if (_end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        try
        {
            var read = _stream.Read(_buffer, _end, _buffer.Length - _end);
            _end += read;
            _finished = read == 0;
            return read > 0;
        }
        catch (IOException exception)
        {
            throw new InvalidInputException($"The data file '{_path}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    private InvalidInputException Wrong(string what) => new($"{_path}, line {_line}, column {Offset - _lineOffset + 1}: {what}.");
}
