using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>What is wrong with rows, told of many at once: of the first ones each by its sentence, of the others their number.</summary>
/// <remarks>For one thread. Bounded, however many rows are wrong.</remarks>
internal sealed class RowFaults
{
    private const int MaxTold = 20;

    private readonly List<InvalidInputException> _told = [];
    private long _count;

    /// <summary>Notes what is wrong with a row.</summary>
    /// <param name="fault">What is wrong.</param>
    /// <param name="file">The row's file.</param>
    /// <param name="firstLine">The row's first line.</param>
    public void Add(RowException fault, string file, long firstLine)
    {
        if (_count++ < MaxTold)
        {
            _told.Add(fault.At(file, firstLine));
        }
    }

    /// <summary>Reads a file to its end, whatever is wrong with its rows.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="take">Takes the record that was read; what it throws as a <see cref="RowException"/> is noted, anything else ends the reading.</param>
    /// <exception cref="InvalidInputException">The file cannot be read, and nothing is wrong with the rows before that.</exception>
    public void ReadAll(RecordReader reader, string file, Action take) => ReadAll(reader.Read, take, fault => Add(fault, file, reader.Place.Line));

    /// <summary>The same, line by line.</summary>
    public void ReadAll(JsonLines lines, string file, Action take) => ReadAll(lines.Read, take, fault => Add(fault, file, lines.Number));

    /// <summary>Ends the reading of data in which anything was wrong.</summary>
    /// <exception cref="InvalidInputException">Something was: a sentence a line.</exception>
    public void ThrowIfAny()
    {
        if (_count == 0)
        {
            return;
        }

        var more = _count - _told.Count;
        IEnumerable<string> lines = _told.Select(fault => fault.Message);
        throw new InvalidInputException(
            string.Join('\n', more == 0 ? lines : lines.Append($"{Sentence.Count(more, "more row")} beside these {(more == 1 ? "is" : "are")} wrong.")), _told[0]);
    }

    private void ReadAll(Func<bool> read, Action take, Action<RowException> note)
    {
        while (HasNext(read))
        {
            try
            {
                take();
            }
            catch (RowException fault)
            {
                note(fault);
            }
        }
    }

    // What is wrong with earlier rows is said first; behind it, that the file cannot be read on.
    private bool HasNext(Func<bool> read)
    {
        try
        {
            return read();
        }
        catch (InvalidInputException broken) when (_count > 0)
        {
            _told.Add(broken);
            _count++;
            return false;
        }
    }
}
