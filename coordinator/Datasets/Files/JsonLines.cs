namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads a file line by line as bytes, cut at line feeds only, with a bound on a line's length.</summary>
/// <remarks>For one thread. <see cref="Line"/> is valid until the next <see cref="Read"/>. Blank lines are skipped but counted.</remarks>
internal sealed class JsonLines(string path) : IDisposable
{
    private readonly FileWindow _file = new(path);

    /// <summary>Number of the line, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Bytes of the file before the line.</summary>
    public long LineOffset { get; private set; }

    /// <summary>Where the line begins; its file is 0.</summary>
    public RecordPlace Place => new(0, Number, 0, LineOffset);

    public long BytesRead => _file.Offset;

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

    public void Dispose() => _file.Dispose();

    private bool NextLine()
    {
        var searched = 0;
        while (true)
        {
            var unread = _file.Unread;
            var feed = unread.Span[searched..].IndexOf((byte)'\n');
            if (feed >= 0)
            {
                Line = unread[..(searched + feed)];
                _file.Take(searched + feed + 1);
                return true;
            }

            searched = unread.Length;
            if (!_file.Fill(Number + 1, "line"))
            {
                Line = _file.Unread;
                _file.Take(searched);
                return searched > 0;
            }
        }
    }
}
