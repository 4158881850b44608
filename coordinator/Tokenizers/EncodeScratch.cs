using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Buffers of one encoding, kept for the thread's next one.</summary>
internal sealed class EncodeScratch
{
    // What a text of some megabytes needs is not kept for the lines that follow.
    private const int MaxKept = 1 << 18;

    [ThreadStatic]
    private static EncodeScratch? _kept;

    public List<Stretch> Stretches { get; } = [];

    public List<Stretch> NormalizedStretches { get; } = [];

    public List<AlignedText> Pieces { get; } = [];

    public TokenBuffer Tokens { get; } = new();

    public PatternMatcher Matcher { get; } = new();

    public BpeMerger Merger { get; } = new();

    /// <summary>The thread's buffers, empty.</summary>
    public static EncodeScratch Take()
    {
        var scratch = _kept ?? new EncodeScratch();
        _kept = null;
        return scratch;
    }

    /// <summary>Gives the buffers back; texts are let go.</summary>
    public void Return()
    {
        Stretches.Clear();
        NormalizedStretches.Clear();
        Pieces.Clear();
        Tokens.Clear();
        _kept = Math.Max(Math.Max(Stretches.Capacity, NormalizedStretches.Capacity), Math.Max(Pieces.Capacity, Math.Max(Tokens.Capacity, Merger.Capacity))) <= MaxKept ? this : null;
    }
}
