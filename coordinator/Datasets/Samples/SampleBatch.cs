using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Some neighbouring records of a file on their way to samples.</summary>
/// <remarks>
/// In one pair of hands at a time: the reader fills it, one worker makes samples of it, the consumer takes them out. Used again for later records.
/// </remarks>
internal sealed class SampleBatch
{
    private const int TargetBytes = 1 << 17;
    private const int TargetRecords = 1024;
    private const int KeptBytes = 1 << 21;

    private readonly List<(int Start, int Length, RecordPlace Place)> _records = [];
    private readonly List<int> _inputIds = [];
    private readonly List<int> _labels = [];
    private readonly List<int> _lengths = [];
    private readonly List<(RowException Fault, RecordPlace Place)> _faults = [];
    private byte[] _bytes = [];
    private int _used;

    public int File { get; private set; }

    /// <summary>Bytes of all files that are done with after this batch.</summary>
    public long BytesRead { get; set; }

    public bool IsFull => _used >= TargetBytes || _records.Count >= TargetRecords;

    public bool IsEmpty => _records.Count == 0;

    public SplitCounts Counts { get; private set; } = new(0, 0, 0, 0);

    public RemarkTally Remarks { get; } = new();

    public SampleStatistics Statistics { get; } = new();

    /// <summary>Texts of the samples, where they were asked for; null where a sample was cut, so that its text is that of its tokens.</summary>
    public List<string?> Texts { get; } = [];

    /// <summary>What is wrong with rows, in their order.</summary>
    public IEnumerable<(RowException Fault, RecordPlace Place)> Faults => _faults;

    public void Begin(int file)
    {
        File = file;
        _used = 0;
        _records.Clear();
        _inputIds.Clear();
        _labels.Clear();
        _lengths.Clear();
        _faults.Clear();
        Texts.Clear();
        Remarks.Clear();
        Statistics.Clear();
        Counts = new SplitCounts(0, 0, 0, 0);
        if (_bytes.Length > KeptBytes)
        {
            // One giant record must not be paid for until the end.
            _bytes = [];
            _inputIds.Capacity = 0;
            _labels.Capacity = 0;
        }
    }

    public void AddRecord(ReadOnlySpan<byte> record, RecordPlace place)
    {
        if (_bytes.Length - _used < record.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_used + record.Length, _records.Count == 0 ? 0 : 2 * _bytes.Length));
        }

        record.CopyTo(_bytes.AsSpan(_used));
        _records.Add((_used, record.Length, place));
        _used += record.Length;
    }

    /// <summary>Makes samples of all records.</summary>
    public SampleBatch Process(IRecordWork work, CancellationToken cancellationToken)
    {
        foreach (var (start, length, place) in _records)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Counts = Counts with { Rows = Counts.Rows + 1 };
            try
            {
                work.Process(_bytes.AsMemory(start, length), place, this);
            }
            catch (RowException fault)
            {
                _faults.Add((fault, place));
            }
        }

        return this;
    }

    /// <summary>Takes a sample in, or leaves it out, as the rules say.</summary>
    /// <exception cref="RowException">It is too long, and that is an error.</exception>
    public void Add(ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels, RecordPlace place, SampleRules rules, string? text)
    {
        if (inputIds.Length > Statistics.Longest)
        {
            (Statistics.Longest, Statistics.LongestPlace) = (inputIds.Length, place);
        }

        foreach (var id in inputIds)
        {
            Statistics.MaxId = Math.Max(Statistics.MaxId, id);
        }

        var isCut = false;
        if (inputIds.Length > rules.MaxLength)
        {
            switch (rules.Truncation)
            {
                case Truncation.Error:
                    throw new RowException($"the sample has {inputIds.Length} tokens, more than data.max_length = {rules.MaxLength}, and data.truncation is error");
                case Truncation.Drop:
                    Counts = Counts with { DroppedTooLong = Counts.DroppedTooLong + 1 };
                    return;
            }

            Counts = Counts with { Truncated = Counts.Truncated + 1 };
            var start = rules.Truncation == Truncation.Left ? inputIds.Length - rules.MaxLength : 0;
            inputIds = inputIds.Slice(start, rules.MaxLength);
            labels = labels.Slice(start, rules.MaxLength);
            isCut = true;
        }

        if (!rules.KeepUnlabelled && TokensRow.CountLabels(labels) == 0)
        {
            Counts = Counts with { DroppedUnlabelled = Counts.DroppedUnlabelled + 1 };
            return;
        }

        _inputIds.AddRange(inputIds);
        _labels.AddRange(labels);
        _lengths.Add(inputIds.Length);
        if (text is not null)
        {
            // Which part of it the kept tokens are, their decoding tells.
            Texts.Add(isCut ? null : text);
        }
    }

    /// <summary>Hands out the samples in their order.</summary>
    public void ForEach(SampleAction action)
    {
        var start = 0;
        for (var i = 0; i < _lengths.Count; i++)
        {
            action(i, CollectionsMarshal.AsSpan(_inputIds).Slice(start, _lengths[i]), CollectionsMarshal.AsSpan(_labels).Slice(start, _lengths[i]));
            start += _lengths[i];
        }
    }
}
