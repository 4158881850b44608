using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Turns tokens into text as they come and never shows half a character.</summary>
/// <remarks>
/// For one thread. What <see cref="Add"/> and <see cref="Flush"/> gave is together exactly what decoding all tokens at once gives: bytes that can still
/// become a character are kept back, bytes that cannot are U+FFFD at once.
/// </remarks>
internal sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        (_tokenizer, _skipSpecialTokens) = (tokenizer, skipSpecialTokens);
    }

    /// <summary>The text that is complete with this token; empty if none is.</summary>
    public string Add(int id) => Take(_tokenizer.TokenBytes(id, _skipSpecialTokens), flush: false);

    /// <summary>What is left: U+FFFD for bytes that never became a character. The decoder then starts anew.</summary>
    public string Flush() => Take([], flush: true);

    private string Take(ReadOnlySpan<byte> bytes, bool flush)
    {
        int length = _decoder.GetCharCount(bytes, flush);
        if (length == 0)
        {
            // Even without a character the bytes must reach the decoder's state.
            _decoder.GetChars(bytes, [], flush);
            return "";
        }

        char[] text = new char[length];
        _decoder.GetChars(bytes, text, flush);
        return new string(text);
    }
}
