namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Changes a stretch of text before it is searched for normalized added tokens and split.</summary>
/// <remarks>Immutable; used by any number of threads.</remarks>
internal abstract class Normalizer
{
    public abstract AlignedText Apply(AlignedText text);
}
