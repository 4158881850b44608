using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Splits a stretch of text into the pieces that the model encodes one by one.</summary>
/// <remarks>Immutable; the matcher is the calling thread's. Empty pieces are never given.</remarks>
internal abstract class PreTokenizer
{
    public abstract void Split(AlignedText text, PatternMatcher matcher, List<AlignedText> pieces);
}
