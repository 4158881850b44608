namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Byte-pair encoding of a piece over its bytes.</summary>
/// <remarks>
/// Immutable apart from its cache; used by any number of threads, each with its own <see cref="BpeMerger"/>. Inside, tokens are numbered by their place in
/// the file, so that no table is as large as an id claims. Rank is the place of a merge in the list, never an id.
/// </remarks>
internal sealed class BpeModel
{
    private const int NoToken = -1;

    private readonly BpeVocabulary _vocabulary;
    private readonly BpeMerges _merges;
    private readonly bool _ignoreMerges;
    private readonly int? _unknown;
    private readonly bool _fuseUnknown;
    private readonly int[] _byteTokens = new int[256];
    private readonly PieceCache _cache = new();

    public BpeModel(BpeVocabulary vocabulary, BpeMerges merges, bool ignoreMerges, int? unknown, bool fuseUnknown)
    {
        (_vocabulary, _merges, _ignoreMerges, _unknown, _fuseUnknown) = (vocabulary, merges, ignoreMerges, unknown, fuseUnknown);
        for (int value = 0; value < 256; value++)
        {
            _byteTokens[value] = vocabulary.IndexOf(ByteAlphabet.Character((byte)value).ToString()) ?? NoToken;
        }
    }

    /// <summary>Tokens of a piece as pairs of id and length in bytes; valid until the merger's next use.</summary>
    public ReadOnlySpan<int> Encode(ReadOnlySpan<byte> piece, BpeMerger merger)
    {
        if (piece.Length > PieceCache.MaxBytes)
        {
            return Compute(piece, merger);
        }

        if (_cache.Find(piece) is { } known)
        {
            return known;
        }

        var tokens = Compute(piece, merger);
        _cache.Add(piece, tokens);
        return tokens;
    }

    private ReadOnlySpan<int> Compute(ReadOnlySpan<byte> piece, BpeMerger merger)
    {
        merger.Begin(piece.Length);
        if (_ignoreMerges && _vocabulary.IndexOf(piece) is { } whole)
        {
            merger.Add(whole, piece.Length);
        }
        else
        {
            AddBytes(piece, merger);
            merger.Merge(_merges);
        }

        return merger.Tokens(_vocabulary);
    }

    // A byte outside the vocabulary is the unknown token, or, where there is none, disappears: its neighbour covers it.
    private void AddBytes(ReadOnlySpan<byte> piece, BpeMerger merger)
    {
        int unknown = 0;
        int lost = 0;
        foreach (byte value in piece)
        {
            int token = _byteTokens[value];
            if (token != NoToken)
            {
                AddUnknown(merger, ref unknown);
                merger.Add(token, 1 + lost);
                lost = 0;
            }
            else if (_unknown is null)
            {
                lost += merger.Widen(1) ? 0 : 1;
            }
            else
            {
                if (!_fuseUnknown)
                {
                    AddUnknown(merger, ref unknown);
                }

                unknown++;
            }
        }

        AddUnknown(merger, ref unknown);
    }

    private void AddUnknown(BpeMerger merger, ref int length)
    {
        if (length > 0)
        {
            merger.Add(_unknown!.Value, length);
            length = 0;
        }
    }
}
