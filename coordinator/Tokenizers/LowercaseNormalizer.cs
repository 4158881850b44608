using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Lower case character by character: no final sigma, and İ gives i and a dot above.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    private const int CapitalIWithDot = 0x130;
    private const int DotAbove = 0x307;

    public override AlignedText Apply(AlignedText text)
    {
        var builder = new AlignedTextBuilder(text);
        var rest = text.Bytes;
        while (!rest.IsEmpty)
        {
            Rune.DecodeFromUtf8(rest, out var rune, out int length);
            rest = rest[length..];
            if (rune.Value == CapitalIWithDot)
            {
                builder.Append('i', 0);
                builder.Append(DotAbove, 1);
            }
            else
            {
                builder.Append(Rune.ToLowerInvariant(rune).Value, 0);
            }
        }

        return builder.Build();
    }
}
