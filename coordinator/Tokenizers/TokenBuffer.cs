namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Tokens as they are found, with the bytes of the original text that they cover.</summary>
/// <remarks>For one thread; kept between texts.</remarks>
internal sealed class TokenBuffer
{
    private int[] _ids = new int[256];
    private int[] _starts = new int[256];
    private int[] _ends = new int[256];

    public int Count { get; private set; }

    /// <summary>Tokens that there is room for.</summary>
    public int Capacity => _ids.Length;

    public void Clear() => Count = 0;

    public int Id(int at) => _ids[at];

    public (int Start, int End) Span(int at) => (_starts[at], _ends[at]);

    public void SetSpan(int at, int start, int end) => (_starts[at], _ends[at]) = (start, end);

    public void Add(int id, int start, int end)
    {
        if (Count == _ids.Length)
        {
            Array.Resize(ref _ids, 2 * Count);
            Array.Resize(ref _starts, 2 * Count);
            Array.Resize(ref _ends, 2 * Count);
        }

        (_ids[Count], _starts[Count], _ends[Count]) = (id, start, end);
        Count++;
    }

    /// <summary>A copy with the ids of the template around it, which cover nothing.</summary>
    public TokenizerEncoding ToEncoding(string text, IReadOnlyList<int> before, IReadOnlyList<int> after) => new(
        text, [.. before, .. _ids.AsSpan(0, Count), .. after], Padded(_starts, before.Count, after.Count), Padded(_ends, before.Count, after.Count));

    private int[] Padded(int[] values, int before, int after)
    {
        var padded = new int[before + Count + after];
        values.AsSpan(0, Count).CopyTo(padded.AsSpan(before));
        return padded;
    }
}
