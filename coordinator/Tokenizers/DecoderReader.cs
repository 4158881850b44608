namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads the <c>decoder</c> of tokenizer.json: ByteLevel, alone or in a sequence with Fuse.</summary>
internal static class DecoderReader
{
    public static void Check(JsonPart? part, string document)
    {
        if (part is not { } decoder || !HasByteLevel(decoder))
        {
            throw new InvalidInputException($"{document}, decoder: there is no ByteLevel decoder, so tokens cannot be turned into text; use a byte-level tokenizer.");
        }
    }

    private static bool HasByteLevel(JsonPart part)
    {
        string type = part.Get("type").Text();
        return type switch
        {
            "ByteLevel" => true,
            "Fuse" => false,
            "Sequence" => part.Get("decoders").Items().ToList().Count(HasByteLevel) == 1,
            _ => throw part.Unknown("decoder", type, "Sequence, ByteLevel, Fuse"),
        };
    }
}
