namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>A parsed pattern.</summary>
internal abstract record PatternNode
{
    /// <summary>Matches nothing, everywhere.</summary>
    public static PatternNode Nothing { get; } = new SequenceNode([]);
}

/// <summary>One character of a set.</summary>
/// <param name="Set">The characters.</param>
/// <param name="Folded">The lower-case ASCII letter that was written where case is ignored; 0 for anything else.</param>
internal sealed record SetNode(RuneSet Set, char Folded = '\0') : PatternNode;

/// <summary>One after the other.</summary>
internal sealed record SequenceNode(IReadOnlyList<PatternNode> Items) : PatternNode;

/// <summary>The first alternative, from the left, with which the rest matches.</summary>
internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Items) : PatternNode;

/// <summary>The body several times; <paramref name="Max"/> below zero means without end.</summary>
internal sealed record RepeatNode(PatternNode Body, int Min, int Max, RepeatKind Kind) : PatternNode;

/// <summary>The body's first match and no other.</summary>
internal sealed record AtomicNode(PatternNode Body) : PatternNode;

/// <summary>Whether the body matches ahead of or behind the place.</summary>
internal sealed record LookNode(PatternNode Body, bool Ahead, bool Negative) : PatternNode;

/// <summary>A condition on the place.</summary>
internal sealed record AnchorNode(Anchor Anchor) : PatternNode;

/// <summary>In which order repetitions are tried.</summary>
internal enum RepeatKind
{
    Greedy,
    Lazy,
    Possessive,
}

/// <summary>Conditions on a place in the text.</summary>
internal enum Anchor
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    TextEndOrLastNewline,
    WordBoundary,
    NoWordBoundary,
}
