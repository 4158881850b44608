using System.Globalization;
using System.Text;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Reads the tokens inside one tag, its end included.</summary>
internal sealed class TagLexer(SourceText source, int start, bool isBlock)
{
    private const string Singles = "+-/*%~[](){}><=.:|,;";
    private static readonly string[] Doubles = ["//", "**", "==", "!=", ">=", "<="];

    private readonly string _text = source.Text;
    private readonly Stack<char> _open = new();

    /// <summary>Behind the tag once <see cref="Tokens"/> is done.</summary>
    public int Position { get; private set; } = start;

    public IEnumerable<Token> Tokens()
    {
        while (Position < _text.Length)
        {
            var at = Position;
            if (_open.Count == 0 && End() is { } behind)
            {
                Position = behind;
                yield return Make(isBlock ? TokenKind.BlockEnd : TokenKind.VariableEnd, "", at);
                yield break;
            }

            if (Characters.IsSpace(_text[at]))
            {
                Position = TemplateLexer.SkipSpace(_text, at);
                continue;
            }

            yield return Number() ?? Name() ?? String() ?? Operator();
        }
    }

    private int? End()
    {
        if (isBlock)
        {
            return TemplateLexer.BlockEnd(_text, Position);
        }

        return TemplateLexer.StandsAt(_text, "-}}", Position) ? TemplateLexer.SkipSpace(_text, Position + 3)
            : TemplateLexer.StandsAt(_text, "}}", Position) ? Position + 2 : null;
    }

    private Token? Number()
    {
        var at = Position;
        if (!char.IsAsciiDigit(_text[at]))
        {
            return null;
        }

        if ((at == 0 || _text[at - 1] != '.') && NumberLiterals.Float(_text, at) is { } floatEnd)
        {
            Position = floatEnd;
            return Make(TokenKind.Float, _text[at..floatEnd], at) with { Number = new FloatValue(NumberLiterals.ParseFloat(_text[at..floatEnd])) };
        }

        var end = NumberLiterals.Integer(_text, at);
        Position = end;
        var value = NumberLiterals.ParseInteger(_text[at..end])
            ?? throw source.Error(at, "the number has more digits than Python reads (4300)", TemplateErrorKind.Value);
        return Make(TokenKind.Integer, _text[at..end], at) with { Number = new IntValue(value) };
    }

    private Token? Name()
    {
        var at = Position;
        var end = at;
        while (end < _text.Length && Rune.DecodeFromUtf16(_text.AsSpan(end), out var rune, out var width) == System.Buffers.OperationStatus.Done && IsNamePart(rune))
        {
            end += width;
        }

        if (end == at)
        {
            return null;
        }

        Rune.DecodeFromUtf16(_text.AsSpan(at), out var first, out _);
        if (!Characters.IsAlphabetic(first) && first.Value != '_' && Rune.GetUnicodeCategory(first) != UnicodeCategory.LetterNumber)
        {
            throw source.Error(at, "Invalid character in identifier");
        }

        Position = end;
        return Make(TokenKind.Name, _text[at..end], at);
    }

    private static bool IsNamePart(Rune rune) => Characters.IsWord(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation;

    private Token? String()
    {
        var at = Position;
        var quote = _text[at];
        if (quote is not ('\'' or '"'))
        {
            return null;
        }

        var i = at + 1;
        while (i < _text.Length && _text[i] != quote)
        {
            i += _text[i] == '\\' ? 2 : 1;
        }

        if (i >= _text.Length)
        {
            return null;
        }

        Position = i + 1;
        try
        {
            return Make(TokenKind.String, StringLiterals.Unescape(_text[(at + 1)..i]), at);
        }
        catch (TemplateException e)
        {
            throw source.Error(at, e.Reason, e.Kind);
        }
    }

    private Token Operator()
    {
        var at = Position;
        var symbol = Array.Find(Doubles, d => TemplateLexer.StandsAt(_text, d, at))
            ?? (Singles.Contains(_text[at], StringComparison.Ordinal) ? _text[at].ToString() : null);
        if (symbol is null)
        {
            var shown = StrValue.Quote(_text.Substring(at, Characters.Width(_text, at)));
            throw source.Error(at, $"unexpected char {shown} at {Characters.Count(_text.AsSpan(0, at))}");
        }

        Balance(symbol[0], at);
        Position = at + symbol.Length;
        return Make(TokenKind.Operator, symbol, at);
    }

    private void Balance(char symbol, int at)
    {
        switch (symbol)
        {
            case '{':
                _open.Push('}');
                break;
            case '(':
                _open.Push(')');
                break;
            case '[':
                _open.Push(']');
                break;
            case '}' or ')' or ']':
                if (_open.Count == 0)
                {
                    throw source.Error(at, $"unexpected '{symbol}'");
                }

                var expected = _open.Pop();
                if (expected != symbol)
                {
                    throw source.Error(at, $"unexpected '{symbol}', expected '{expected}'");
                }

                break;
        }
    }

    private Token Make(TokenKind kind, string text, int at)
    {
        var (line, column) = source.Place(at);
        return new Token(kind, text, line, column);
    }
}
