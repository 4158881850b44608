namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Merges the symbols of one piece: always the pair of lowest rank, leftmost among equals.</summary>
/// <remarks>
/// For one thread; buffers are kept between pieces. Short pieces are scanned for the lowest rank, which is fastest there; long ones go through a queue,
/// so that the time grows with the length and a word without end cannot stall a run.
/// </remarks>
internal sealed class BpeMerger
{
    private const int MaxScanned = 40;

    private int[] _symbols = new int[256];
    private int[] _lengths = new int[256];
    private int[] _ranks = new int[256];
    private int[] _previous = [];
    private int[] _next = [];
    private int[] _tokens = new int[512];
    private readonly PairQueue _queue = new();
    private int _count;

    /// <summary>Symbols that the buffers hold.</summary>
    public int Capacity => _symbols.Length;

    /// <summary>Starts a piece of at most so many symbols.</summary>
    public void Begin(int symbols)
    {
        _count = 0;
        if (_symbols.Length < symbols)
        {
            int length = Math.Max(symbols, 2 * _symbols.Length);
            (_symbols, _lengths, _ranks, _tokens) = (new int[length], new int[length], new int[length], new int[2 * length]);
        }
    }

    public void Add(int symbol, int length)
    {
        _symbols[_count] = symbol;
        _lengths[_count++] = length;
    }

    /// <summary>Gives the last symbol more bytes; false if there is none.</summary>
    public bool Widen(int length)
    {
        if (_count > 0)
        {
            _lengths[_count - 1] += length;
        }

        return _count > 0;
    }

    public void Merge(BpeMerges merges)
    {
        if (_count <= MaxScanned)
        {
            Scan(merges);
        }
        else
        {
            Queue(merges);
        }
    }

    /// <summary>The symbols as pairs of id and length.</summary>
    public ReadOnlySpan<int> Tokens(BpeVocabulary vocabulary)
    {
        for (int i = 0; i < _count; i++)
        {
            _tokens[2 * i] = vocabulary.Id(_symbols[i]);
            _tokens[(2 * i) + 1] = _lengths[i];
        }

        return _tokens.AsSpan(0, 2 * _count);
    }

    private void Scan(BpeMerges merges)
    {
        for (int i = 0; i < _count - 1; i++)
        {
            _ranks[i] = merges.Find(_symbols[i], _symbols[i + 1]).Rank;
        }

        while (_count > 1)
        {
            int best = 0;
            for (int i = 1; i < _count - 1; i++)
            {
                best = _ranks[i] < _ranks[best] ? i : best;
            }

            if (_ranks[best] == BpeMerges.None)
            {
                return;
            }

            JoinAdjacent(merges, best);
        }
    }

    private void JoinAdjacent(BpeMerges merges, int at)
    {
        _symbols[at] = merges.Find(_symbols[at], _symbols[at + 1]).Result;
        _lengths[at] += _lengths[at + 1];
        int moved = _count - at - 2;
        _symbols.AsSpan(at + 2, moved).CopyTo(_symbols.AsSpan(at + 1));
        _lengths.AsSpan(at + 2, moved).CopyTo(_lengths.AsSpan(at + 1));
        _ranks.AsSpan(at + 1, moved).CopyTo(_ranks.AsSpan(at));
        _count--;
        if (at > 0)
        {
            _ranks[at - 1] = merges.Find(_symbols[at - 1], _symbols[at]).Rank;
        }

        if (at < _count - 1)
        {
            _ranks[at] = merges.Find(_symbols[at], _symbols[at + 1]).Rank;
        }
    }

    // A pair that was queued is stale if its symbols are gone or make something of another rank.
    private void Queue(BpeMerges merges)
    {
        _queue.Begin(merges.AreOrdered);
        Link();
        for (int i = 0; i < _count - 1; i++)
        {
            Enqueue(merges, i);
        }

        while (_queue.TryTake(out int queuedRank, out int at))
        {
            int right = _lengths[at] > 0 ? _next[at] : -1;
            if (right < 0 || merges.Find(_symbols[at], _symbols[right]) is var (rank, result) && rank != queuedRank)
            {
                continue;
            }

            _symbols[at] = result;
            _lengths[at] += _lengths[right];
            _lengths[right] = 0;
            _next[at] = _next[right];
            if (_next[at] >= 0)
            {
                _previous[_next[at]] = at;
                Enqueue(merges, at);
            }

            if (_previous[at] >= 0)
            {
                Enqueue(merges, _previous[at]);
            }
        }

        Compact();
    }

    private void Link()
    {
        if (_next.Length < _symbols.Length)
        {
            (_previous, _next) = (new int[_symbols.Length], new int[_symbols.Length]);
        }

        for (int i = 0; i < _count; i++)
        {
            (_previous[i], _next[i]) = (i - 1, i < _count - 1 ? i + 1 : -1);
        }
    }

    private void Enqueue(BpeMerges merges, int at)
    {
        int rank = merges.Find(_symbols[at], _symbols[_next[at]]).Rank;
        if (rank != BpeMerges.None)
        {
            _queue.Add(rank, at);
        }
    }

    private void Compact()
    {
        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            if (_lengths[i] > 0)
            {
                (_symbols[kept], _lengths[kept]) = (_symbols[i], _lengths[i]);
                kept++;
            }
        }

        _count = kept;
    }
}
