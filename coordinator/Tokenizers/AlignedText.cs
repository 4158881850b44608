using System.Text;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>A stretch of UTF-8 that knows for each byte which bytes of the original text it came from.</summary>
/// <param name="Buffer">The bytes; valid UTF-8.</param>
/// <param name="Start">First byte of the stretch.</param>
/// <param name="End">Byte after the stretch.</param>
/// <param name="Starts">For each byte of the buffer where its origin starts; null where the buffer is the original text itself.</param>
/// <param name="Ends">For each byte of the buffer where its origin ends.</param>
/// <remarks>Origins are whole characters, so a token that holds a part of a character covers the whole of it.</remarks>
internal readonly record struct AlignedText(byte[] Buffer, int Start, int End, int[]? Starts = null, int[]? Ends = null)
{
    public int Length => End - Start;

    public ReadOnlySpan<byte> Bytes => Buffer.AsSpan(Start, End - Start);

    /// <summary>The original text; half a surrogate pair, which no UTF-8 can say, counts as U+FFFD.</summary>
    public static AlignedText Of(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return new AlignedText(bytes, 0, bytes.Length);
    }

    /// <summary>A part; places are relative to this stretch.</summary>
    public AlignedText Slice(int start, int end) => this with { Start = Start + start, End = Start + end };

    /// <summary>Where the origin of the byte at the place (of the buffer) starts.</summary>
    public int OriginStart(int at)
    {
        if (Starts is not null)
        {
            return Starts[at];
        }

        while ((Buffer[at] & 0xC0) == 0x80)
        {
            at--;
        }

        return at;
    }

    /// <summary>Where the origin of the byte at the place (of the buffer) ends.</summary>
    public int OriginEnd(int at)
    {
        if (Ends is not null)
        {
            return Ends[at];
        }

        int start = OriginStart(at);
        return start + PatternMatcher.RuneLength(Buffer[start]);
    }
}
