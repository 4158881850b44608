using Orchestrator.Coordinator.Templates.Text;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Splits a source into data and tags as Jinja's lexer does with trim_blocks and lstrip_blocks.</summary>
/// <remarks>Lazy: an error further down does not hide one that the parser finds before it.</remarks>
internal sealed class TemplateLexer(SourceText source)
{
    private readonly string _text = source.Text;
    private int _at;

    /// <summary>Whether what was read last ended a line.</summary>
    private bool _lineStarting = true;

    public IEnumerable<Token> Tokens()
    {
        while (_at < _text.Length)
        {
            var tag = NextTag(_at);
            if (tag < 0)
            {
                yield return At(TokenKind.Data, _text[_at..], _at);
                yield break;
            }

            var start = _at;
            var raw = RawTag(tag);
            var sign = tag + 2 < _text.Length && _text[tag + 2] is '-' or '+' ? _text[tag + 2] : '\0';
            var data = Stripped(_text[start..tag], sign, isVariable: _text[tag + 1] == '{');
            if (data.Length > 0)
            {
                yield return At(TokenKind.Data, data, start);
            }

            if (raw is { } bodyStart)
            {
                Advance(bodyStart);
                if (_at < _text.Length)
                {
                    var body = RawBody(out var bodyAt);
                    if (body.Length > 0)
                    {
                        yield return At(TokenKind.Data, body, bodyAt);
                    }
                }

                continue;
            }

            Advance(tag + 2 + (sign == '\0' ? 0 : 1));
            if (_text[tag + 1] == '#')
            {
                SkipComment();
                continue;
            }

            var isBlock = _text[tag + 1] == '%';
            yield return At(isBlock ? TokenKind.BlockBegin : TokenKind.VariableBegin, "", tag);
            var lexer = new TagLexer(source, _at, isBlock);
            foreach (var token in lexer.Tokens())
            {
                yield return token;
            }

            Advance(lexer.Position);
        }
    }

    /// <summary>The next {{, {% or {#, or -1.</summary>
    private int NextTag(int from)
    {
        for (var i = _text.IndexOf('{', from); i >= 0 && i + 1 < _text.Length; i = _text.IndexOf('{', i + 1))
        {
            if (_text[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Where the body begins if a raw tag stands at <paramref name="tag"/>.</summary>
    private int? RawTag(int tag)
    {
        if (_text[tag + 1] != '%')
        {
            return null;
        }

        var i = tag + 2;
        if (i < _text.Length && _text[i] is '-' or '+')
        {
            i++;
        }

        i = SkipSpace(i);
        if (!Stands("raw", i))
        {
            return null;
        }

        i = SkipSpace(i + 3);
        return Stands("-%}", i) ? SkipSpace(i + 3) : Stands("%}", i) ? i + 2 : null;
    }

    private string RawBody(out int start)
    {
        start = _at;
        for (var tag = _text.IndexOf("{%", _at, StringComparison.Ordinal); tag >= 0; tag = _text.IndexOf("{%", tag + 2, StringComparison.Ordinal))
        {
            var i = tag + 2;
            var sign = i < _text.Length && _text[i] is '-' or '+' ? _text[i++] : '\0';
            i = SkipSpace(i);
            if (!Stands("endraw", i))
            {
                continue;
            }

            i = SkipSpace(i + 6);
            if (BlockEnd(i) is { } end)
            {
                var body = Stripped(_text[_at..tag], sign, isVariable: false);
                Advance(end);
                return body;
            }
        }

        throw source.Error(_at, "Missing end of raw directive");
    }

    private void SkipComment()
    {
        if (_at >= _text.Length)
        {
            return;
        }

        var end = _text.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            throw source.Error(_at, "Missing end of comment tag");
        }

        var sign = end > _at ? _text[end - 1] : '\0';
        var behind = end + 2;
        Advance(sign == '-' ? SkipSpace(behind) : sign != '+' && behind < _text.Length && _text[behind] == '\n' ? behind + 1 : behind);
    }

    /// <summary>Where the text goes on if a block's end stands at <paramref name="i"/>.</summary>
    private int? BlockEnd(int i) => BlockEnd(_text, i);

    internal static int? BlockEnd(string text, int i)
    {
        if (StandsAt(text, "+%}", i))
        {
            return i + 3;
        }

        if (StandsAt(text, "-%}", i))
        {
            return SkipSpace(text, i + 3);
        }

        return StandsAt(text, "%}", i) ? i + 2 < text.Length && text[i + 2] == '\n' ? i + 3 : i + 2 : null;
    }

    /// <summary>What remains of the data before a tag.</summary>
    private string Stripped(string data, char sign, bool isVariable)
    {
        if (sign == '-')
        {
            var end = data.Length;
            while (end > 0 && Characters.IsSpace(data[end - 1]))
            {
                end--;
            }

            return data[..end];
        }

        if (sign == '+' || isVariable)
        {
            return data;
        }

        var line = data.LastIndexOf('\n') + 1;
        return (line > 0 || _lineStarting) && line < data.Length && SkipSpace(data, line) == data.Length ? data[..line] : data;
    }

    private void Advance(int to)
    {
        if (to > _at)
        {
            _lineStarting = _text[to - 1] == '\n';
        }

        _at = to;
    }

    private int SkipSpace(int i) => SkipSpace(_text, i);

    internal static int SkipSpace(string text, int i)
    {
        while (i < text.Length && Characters.IsSpace(text[i]))
        {
            i++;
        }

        return i;
    }

    private bool Stands(string what, int i) => StandsAt(_text, what, i);

    internal static bool StandsAt(string text, string what, int i) => string.CompareOrdinal(text, i, what, 0, what.Length) == 0;

    private Token At(TokenKind kind, string text, int at)
    {
        var (line, column) = source.Place(at);
        return new Token(kind, text, line, column);
    }
}
