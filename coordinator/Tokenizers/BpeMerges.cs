namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Which two tokens make which, and how early.</summary>
internal sealed class BpeMerges(int merges, int tokens)
{
    private readonly Dictionary<ulong, (int Rank, int Result)> _merges = new(merges);
    private readonly bool[] _used = new bool[tokens];

    /// <summary>The rank of no merge.</summary>
    public const int None = int.MaxValue;

    /// <summary>Whether every merge comes after all that make its two sides, as training writes them: then no merge leads to one of a lower rank.</summary>
    public bool AreOrdered { get; private set; } = true;

    /// <summary>Adds a merge, ranks rising; of two for the same pair the later counts, as in the library.</summary>
    public void Add(int left, int right, int rank, int result)
    {
        _merges[Key(left, right)] = (rank, result);
        AreOrdered &= !_used[result];
        _used[left] = _used[right] = true;
    }

    /// <summary>Rank and result; rank <see cref="None"/> if the two make nothing.</summary>
    public (int Rank, int Result) Find(int left, int right) => _merges.TryGetValue(Key(left, right), out var merge) ? merge : (None, 0);

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
