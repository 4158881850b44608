using System.Text;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>The ByteLevel pre-tokenizer: a space before the text if asked for, and GPT-2's own pattern if asked for.</summary>
/// <remarks>The step that writes bytes as characters of <see cref="ByteAlphabet"/> is left out: the model works on the bytes themselves.</remarks>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    private const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly Lazy<SplitPreTokenizer> Gpt2Split = new(() => new SplitPreTokenizer(PatternProgram.Compile(Gpt2Pattern, "ByteLevel"), SplitBehavior.Isolated, invert: false));

    public override void Split(AlignedText text, PatternMatcher matcher, List<AlignedText> pieces)
    {
        if (addPrefixSpace && text.Length > 0 && text.Bytes[0] != ' ')
        {
            text = Prefixed(text);
        }

        if (useRegex)
        {
            Gpt2Split.Value.Split(text, matcher, pieces);
        }
        else if (text.Length > 0)
        {
            pieces.Add(text);
        }
    }

    // The space has the origin of the character that it was put before.
    private static AlignedText Prefixed(AlignedText text)
    {
        var builder = new AlignedTextBuilder(text);
        builder.Append(' ', 0);
        int change = 1;
        for (var rest = text.Bytes; !rest.IsEmpty; change = 0)
        {
            Rune.DecodeFromUtf8(rest, out var rune, out int length);
            builder.Append(rune.Value, change);
            rest = rest[length..];
        }

        return builder.Build();
    }
}
