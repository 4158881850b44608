namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Which two tokens make which, and how early.</summary>
internal sealed class BpeMerges(int capacity)
{
    private readonly Dictionary<ulong, (int Rank, int Result)> _merges = new(capacity);

    /// <summary>The rank of no merge.</summary>
    public const int None = int.MaxValue;

    /// <summary>Adds a merge; of two for the same pair the later counts, as in the library.</summary>
    public void Add(int left, int right, int rank, int result) => _merges[Key(left, right)] = (rank, result);

    /// <summary>Rank and result; rank <see cref="None"/> if the two make nothing.</summary>
    public (int Rank, int Result) Find(int left, int right) => _merges.TryGetValue(Key(left, right), out var merge) ? merge : (None, 0);

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
