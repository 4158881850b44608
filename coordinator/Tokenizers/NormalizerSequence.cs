namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>One normalizer after the other; none leaves the text as it is.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> items) : Normalizer
{
    public override AlignedText Apply(AlignedText text)
    {
        foreach (var item in items)
        {
            text = item.Apply(text);
        }

        return text;
    }
}
