namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Reads the <c>normalizer</c> of tokenizer.json.</summary>
internal static class NormalizerReader
{
    private const string Known = "Sequence, NFC, NFD, Lowercase";

    /// <summary>The normalizer; null if there is none or it changes nothing.</summary>
    public static Normalizer? Read(JsonPart? part)
    {
        if (part is not { } normalizer)
        {
            return null;
        }

        string type = normalizer.Get("type").Text();
        switch (type)
        {
            case "NFC":
                return new CanonicalNormalizer(compose: true);
            case "NFD":
                return new CanonicalNormalizer(compose: false);
            case "Lowercase":
                return new LowercaseNormalizer();
            case "Sequence":
                var items = normalizer.Get("normalizers").Items().Select(item => Read(item)).OfType<Normalizer>().ToList();
                return items.Count > 0 ? new NormalizerSequence(items) : null;
            default:
                throw normalizer.Unknown("normalizer", type, Known);
        }
    }
}
