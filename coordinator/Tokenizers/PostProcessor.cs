using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>What happens to the tokens of a text at last: offsets lose white space, the template adds special tokens.</summary>
/// <param name="Trim">Whether offsets leave out the white space at the ends of a token (ByteLevel with trim_offsets).</param>
/// <param name="KeepPrefixSpace">With it: a single space before the first token is not trimmed.</param>
/// <param name="Before">Ids that the template puts before the text.</param>
/// <param name="After">Ids that the template puts after the text.</param>
internal sealed record PostProcessor(bool Trim, bool KeepPrefixSpace, IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    public static PostProcessor None { get; } = new(false, false, [], []);

    public TokenizerEncoding Apply(string text, TokenBuffer tokens, Tokenizer tokenizer, bool addSpecialTokens)
    {
        if (Trim)
        {
            for (int i = 0; i < tokens.Count; i++)
            {
                TrimOffsets(tokens, i, tokenizer.TokenText(tokens.Id(i)) ?? "");
            }
        }

        return addSpecialTokens ? tokens.ToEncoding(text, Before, After) : tokens.ToEncoding(text, [], []);
    }

    private void TrimOffsets(TokenBuffer tokens, int at, string token)
    {
        var (start, end) = tokens.Span(at);
        var runes = token.EnumerateRunes().ToList();
        var left = runes.TakeWhile(IsSpace).ToList();
        int leading = left.Sum(Bytes);
        if (left.Count == 1 && KeepPrefixSpace && (at == 0 || start == 0))
        {
            leading = 0;
        }

        int trailing = runes.AsEnumerable().Reverse().TakeWhile(IsSpace).Sum(Bytes);
        start = Math.Min(start + leading, end);
        end = end >= trailing ? Math.Max(end - trailing, start) : end;
        tokens.SetSpan(at, start, end);
    }

    private static bool IsSpace(Rune rune) => rune.Value == ByteAlphabet.Character((byte)' ') || Rune.IsWhiteSpace(rune);

    private static int Bytes(Rune rune) => rune.Value == ByteAlphabet.Character((byte)' ') ? 1 : rune.Utf8SequenceLength;
}
