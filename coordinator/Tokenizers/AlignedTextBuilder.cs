using System.Text;
using Orchestrator.Coordinator.Tokenizers.Patterns;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>Writes a changed text character by character and keeps the origin of each byte as the tokenizers library does.</summary>
/// <remarks>
/// Each character comes with its change: 0 stands for the next character of the source, 1 was inserted after the one before, -n stands for the next
/// character and swallows n more. A swallowed character (the accent that NFC joins to its letter) belongs to no origin: that is what the library reports.
/// </remarks>
internal sealed class AlignedTextBuilder(AlignedText source)
{
    private byte[] _bytes = new byte[source.Length + 16];
    private int[] _starts = new int[source.Length + 16];
    private int[] _ends = new int[source.Length + 16];
    private int _count;
    private int _source = source.Start;

    public void Append(int rune, int change)
    {
        int from = change > 0 ? Math.Max(_source - 1, source.Start) : Math.Min(_source, source.End - 1);
        int start = source.OriginStart(from);
        int end = change > 0 && _source == source.Start ? start : source.OriginEnd(from);
        for (int taken = change > 0 ? 0 : 1 - change; taken > 0 && _source < source.End; taken--)
        {
            _source += PatternMatcher.RuneLength(source.Buffer[_source]);
        }

        Write(rune, start, end);
    }

    public AlignedText Build() => new(_bytes, 0, _count, _starts, _ends);

    private void Write(int rune, int start, int end)
    {
        if (_count + 4 > _bytes.Length)
        {
            int length = 2 * _bytes.Length;
            Array.Resize(ref _bytes, length);
            Array.Resize(ref _starts, length);
            Array.Resize(ref _ends, length);
        }

        int written = new Rune(rune).EncodeToUtf8(_bytes.AsSpan(_count));
        _starts.AsSpan(_count, written).Fill(start);
        _ends.AsSpan(_count, written).Fill(end);
        _count += written;
    }
}
