namespace Orchestrator.Coordinator.Tokenizers.Patterns;

/// <summary>A pattern as instructions for <see cref="PatternMatcher"/>.</summary>
/// <remarks>Immutable; any number of matchers may run it at the same time.</remarks>
internal sealed class PatternProgram
{
    private PatternProgram(Instruction[] code, bool[]? firstBytes, string where, int slots)
    {
        (Code, FirstBytes, Where, Slots) = (code, firstBytes, where, slots);
    }

    /// <summary>The instructions; a match begins at 0.</summary>
    public Instruction[] Code { get; }

    /// <summary>The bytes with which a match can begin; null where it can be empty.</summary>
    public bool[]? FirstBytes { get; }

    /// <summary>Where the pattern stands, for messages.</summary>
    public string Where { get; }

    /// <summary>Number of places that loops remember.</summary>
    public int Slots { get; }

    /// <summary>Compiles a regular expression.</summary>
    public static PatternProgram Compile(string pattern, string where) => Compile(PatternParser.Parse(pattern, where), where);

    /// <summary>Compiles the pattern that matches a text as it stands.</summary>
    public static PatternProgram CompileLiteral(string text, string where) => Compile(PatternParser.Literal(text), where);

    private static PatternProgram Compile(PatternNode node, string where)
    {
        var compiler = new PatternCompiler(where);
        var code = compiler.Compile(node);
        return new PatternProgram(code, PatternFirstBytes.Of(node), where, compiler.Slots);
    }
}

/// <summary>One step: what it does, its operands, and the bytes that let a fork's branches be passed over.</summary>
internal readonly record struct Instruction(
    Operation Operation, int A = 0, int B = 0, RuneSet? Set = null, bool[]? First = null, bool[]? Second = null, (int Runes, int Code)[]? Looks = null);

/// <summary>What a step does. A branch that fails resumes the latest place that was put aside.</summary>
internal enum Operation
{
    /// <summary>The match is complete.</summary>
    Accept,

    /// <summary>Takes one character of the set.</summary>
    Set,

    /// <summary>Takes A to B characters of the set, as many as there are, giving back one at a time.</summary>
    GreedySet,

    /// <summary>Takes A to B characters of the set, as many as there are, giving nothing back.</summary>
    PossessiveSet,

    /// <summary>Goes to A.</summary>
    Jump,

    /// <summary>Goes to A and puts B aside; <c>First</c> and <c>Second</c> are the bytes with which they can begin.</summary>
    Fork,

    /// <summary>Holds where the condition A holds.</summary>
    Assert,

    /// <summary>Holds where one of <c>Looks</c> matches from so many characters back; the negative if A is 1. Goes on at B.</summary>
    Look,

    /// <summary>Takes the first match of the code that follows, as a whole; goes on at B.</summary>
    Atomic,

    /// <summary>Remembers the place in slot A: a round of a loop begins.</summary>
    RoundStart,

    /// <summary>Leaves the loop to B if the round took nothing.</summary>
    RoundEnd,
}
