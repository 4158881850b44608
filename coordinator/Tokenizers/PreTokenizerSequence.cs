using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Each pre-tokenizer splits the pieces of the one before, each piece by itself.</summary>
internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> items) : PreTokenizer
{
    public override void Split(AlignedText text, PatternMatcher matcher, List<AlignedText> pieces)
    {
        if (items.Count == 1)
        {
            items[0].Split(text, matcher, pieces);
            return;
        }

        List<AlignedText> current = text.Length > 0 ? [text] : [];
        for (int i = 0; i < items.Count; i++)
        {
            var next = i == items.Count - 1 ? pieces : new List<AlignedText>(current.Count);
            foreach (var piece in current)
            {
                items[i].Split(piece, matcher, next);
            }

            current = next;
        }
    }
}
