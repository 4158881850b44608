using System.Buffers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads a file line by line as bytes, cut at line feeds only, with a bound on a line's length.</summary>
/// <remarks>For one thread. <see cref="Line"/> is valid until the next <see cref="Read"/>. Blank lines are skipped but counted.</remarks>
internal sealed class JsonLines : IDisposable
{
    /// <summary>Longest line: some ten million tokens. A longer one is not a sample but a file of another kind.</summary>
    public const int MaxLineBytes = 128 << 20;

    private readonly FileStream _stream;
    private readonly string _name;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
    private int _start;
    private int _end;
    private bool _finished;

    public JsonLines(string path)
    {
        _name = path;
        _stream = OpenFile(path);
    }

    /// <summary>Number of the line, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Bytes of the file before the line.</summary>
    public long LineOffset { get; private set; }

    public long BytesRead => _stream.Position - (_end - _start);

    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>Goes to the next line that is not blank; false at the end of the file.</summary>
    /// <exception cref="InvalidInputException">The line is over the limit or cannot be read.</exception>
    public bool Read()
    {
        while (true)
        {
            LineOffset = BytesRead;
            if (!NextLine())
            {
                return false;
            }

            Number++;
            if (Number == 1 && Line.Span.StartsWith("\uFEFF"u8))
            {
                Line = Line[3..];
                LineOffset = 3;
            }

            if (Line.Span.ContainsAnyExcept(" \t\r"u8))
            {
                return true;
            }
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Opens a file for reading or says in a sentence why that is impossible.</summary>
    internal static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"The data file '{path}' does not exist.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The data file '{path}' cannot be read: {(Directory.Exists(path) ? "it is a folder" : exception.Message.TrimEnd('.'))}.", exception);
        }
    }

    private bool NextLine()
    {
        var searched = 0;
        while (true)
        {
            var feed = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                Line = _buffer.AsMemory(_start, searched + feed);
                _start += searched + feed + 1;
                return true;
            }

            searched = _end - _start;
            if (_finished)
            {
                Line = _buffer.AsMemory(_start, searched);
                _start = _end;
                return searched > 0;
            }

            Fill();
        }
    }

    private void Fill()
    {
        if (_end - _start > MaxLineBytes)
        {
            throw new InvalidInputException($"{_name}, line {Number + 1}: the line is longer than {MaxLineBytes} bytes, which is not a sample.");
        }

        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
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
        }
        catch (IOException exception)
        {
            throw new InvalidInputException($"The data file '{_name}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
