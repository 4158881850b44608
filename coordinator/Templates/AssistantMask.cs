using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Templates;

/// <summary>Which tokens of a rendered chat an assistant wrote.</summary>
/// <remarks>
/// A token counts if it has a character of a generation block, so tokens that straddle a border count, as in transformers. Of several
/// tokens that share a block's last character the first one ends the block, as in transformers too (char_to_token). Its bugs are not copied: a block that ends inside the first token does not mark everything behind it, an empty block marks nothing.
/// </remarks>
internal static class AssistantMask
{
    /// <param name="chat">The rendered chat.</param>
    /// <param name="encoding">Its text's tokens, without special tokens added.</param>
    /// <returns>One truth a token.</returns>
    /// <exception cref="InvalidInputException">The template changed the text of a generation block, so its place is not known.</exception>
    public static bool[] Of(RenderedChat chat, TokenizerEncoding encoding)
    {
        if (chat.LostGenerations > 0)
        {
            throw new InvalidInputException(
                "The chat template changes the text of a {% generation %} block after it was written (a filter or method around it), so the tokens of the answer cannot be told; "
                + "put the block around what is printed last.");
        }

        var offsets = encoding.Utf16Offsets;
        var mask = new bool[offsets.Length];
        var token = 0;
        foreach (var (start, end) in chat.Generations)
        {
            // Tokens and spans both come in order. A token that straddles from the span before into this one is where that span has left off.
            while (token < offsets.Length && offsets[token].End <= start)
            {
                token++;
            }

            for (; token < offsets.Length && offsets[token].Start < end; token++)
            {
                mask[token] = true;
                if (offsets[token].End >= end)
                {
                    break;
                }
            }
        }

        return mask;
    }
}
