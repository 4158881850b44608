using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>The tokens of a text and the part of the text that each stands for.</summary>
/// <remarks>
/// Ends are exclusive. A token that is a part of a character covers the whole of it; tokens that the template adds cover (0, 0). Offsets are worked out
/// when they are first asked for; two threads may ask at the same time.
/// </remarks>
internal sealed class TokenizerEncoding
{
    private readonly string _text;
    private readonly int[] _starts;
    private readonly int[] _ends;
    private (int Start, int End)[]? _codePoints;
    private (int Start, int End)[]? _units;

    /// <param name="text">The text that was encoded.</param>
    /// <param name="ids">Token ids.</param>
    /// <param name="starts">For each token the first byte of the text's UTF-8.</param>
    /// <param name="ends">For each token the byte after its last.</param>
    public TokenizerEncoding(string text, int[] ids, int[] starts, int[] ends)
    {
        (_text, Ids, _starts, _ends) = (text, ids, starts, ends);
    }

    public int[] Ids { get; }

    /// <summary>For each token its part of the text in code points, the unit of the tokenizers library.</summary>
    public (int Start, int End)[] Offsets => _codePoints ??= Convert(utf16: false);

    /// <summary>For each token its part of the text in UTF-16 units: places in the .NET string.</summary>
    public (int Start, int End)[] Utf16Offsets => _units ??= Convert(utf16: true);

    private (int Start, int End)[] Convert(bool utf16)
    {
        var offsets = new (int, int)[Ids.Length];
        var start = new Cursor(_text);
        var end = new Cursor(_text);
        for (int i = 0; i < offsets.Length; i++)
        {
            start.GoTo(_starts[i]);
            end.GoTo(_ends[i]);
            offsets[i] = utf16 ? (start.Unit, end.Unit) : (start.CodePoint, end.CodePoint);
        }

        return offsets;
    }

    /// <summary>A place in the text in three units; moves are short, since tokens come nearly in order.</summary>
    private struct Cursor(string text)
    {
        private int _byte;

        public int Unit { get; private set; }

        public int CodePoint { get; private set; }

        public void GoTo(int target)
        {
            while (_byte < target && Unit < text.Length)
            {
                Rune.DecodeFromUtf16(text.AsSpan(Unit), out var rune, out int length);
                Unit += length;
                CodePoint++;
                _byte += rune.Utf8SequenceLength;
            }

            while (_byte > target)
            {
                Rune.DecodeLastFromUtf16(text.AsSpan(0, Unit), out var rune, out int length);
                Unit -= length;
                CodePoint--;
                _byte -= rune.Utf8SequenceLength;
            }
        }
    }
}
