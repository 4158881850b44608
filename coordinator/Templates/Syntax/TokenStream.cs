namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>The tokens with one token of look-ahead.</summary>
internal sealed class TokenStream
{
    private readonly SourceText _source;
    private readonly IEnumerator<Token> _tokens;
    private Token? _next;

    public TokenStream(SourceText source)
    {
        _source = source;
        _tokens = new TemplateLexer(source).Tokens().GetEnumerator();
        Current = Read();
    }

    public Token Current { get; private set; }

    public Token Look() => _next ??= Read();

    /// <summary>Goes one token ahead and returns the one before.</summary>
    public Token Take()
    {
        var taken = Current;
        Current = _next ?? Read();
        _next = null;
        return taken;
    }

    public bool SkipName(string name) => Skip(Current.IsName(name));

    public bool SkipOperator(string symbol) => Skip(Current.IsOperator(symbol));

    public Token ExpectName() => Expect(Current.Kind == TokenKind.Name, "name");

    public Token ExpectName(string name) => Expect(Current.IsName(name), name);

    public Token ExpectOperator(string symbol) => Expect(Current.IsOperator(symbol), symbol);

    public Token Expect(TokenKind kind) => Expect(Current.Kind == kind, new Token(kind, "", 0, 0).Describe());

    private bool Skip(bool stands)
    {
        if (stands)
        {
            Take();
        }

        return stands;
    }

    private Token Expect(bool stands, string expected)
    {
        if (stands)
        {
            return Take();
        }

        var found = Current.Kind == TokenKind.End
            ? $"unexpected end of template, expected {Values.StrValue.Quote(expected)}."
            : $"expected token {Values.StrValue.Quote(expected)}, got {Values.StrValue.Quote(Current.Describe())}";
        throw new TemplateException(TemplateErrorKind.Syntax, found).At(_source.Document, Current.Line, Current.Column);
    }

    private Token Read()
    {
        if (_tokens.MoveNext())
        {
            return _tokens.Current;
        }

        var (line, column) = _source.Place(_source.Text.Length);
        return new Token(TokenKind.End, "", line, column);
    }
}
