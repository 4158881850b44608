using System.Buffers;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The part of a data file that is in memory: what is read and not yet taken, which grows until a record is whole.</summary>
/// <remarks>For one thread. <see cref="Unread"/> is valid until the next <see cref="Fill"/>.</remarks>
internal sealed class FileWindow : IDisposable
{
    /// <summary>Longest record: some ten million tokens. A longer one is not a sample but a file of another kind.</summary>
    public const int MaxRecordBytes = 128 << 20;

    private readonly string _path;
    private readonly FileStream _stream;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
    private int _start;
    private int _end;
    private bool _finished;

    /// <exception cref="InvalidInputException">The file cannot be opened.</exception>
    public FileWindow(string path)
    {
        _path = path;
        _stream = Open(path);
    }

    /// <summary>What is read and not yet taken.</summary>
    public ReadOnlyMemory<byte> Unread => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Bytes of the file before <see cref="Unread"/>.</summary>
    public long Offset => _stream.Position - (_end - _start);

    /// <summary>Takes the first bytes of <see cref="Unread"/>.</summary>
    public void Take(int count) => _start += count;

    /// <summary>Reads more of the file behind what is there; false at its end.</summary>
    /// <param name="line">The line that is being read, for the message.</param>
    /// <param name="what">What is being read: a line, a record.</param>
    /// <exception cref="InvalidInputException">The record is over the limit, or the file cannot be read.</exception>
    public bool Fill(long line, string what)
    {
        if (_finished)
        {
            return false;
        }

        if (_end - _start > MaxRecordBytes)
        {
            throw new InvalidInputException($"{_path}, line {line}: the {what} is longer than {MaxRecordBytes} bytes, which is not a sample.");
        }

        MakeRoom();
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

    public void Dispose()
    {
        _stream.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Opens a file for reading or says in a sentence why that is impossible.</summary>
    internal static FileStream Open(string path)
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

    private void MakeRoom()
    {
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
    }
}
