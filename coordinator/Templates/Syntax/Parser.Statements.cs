namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed partial class Parser
{
    /// <summary>Statements up to one of the end tags (which stays the current token), or to the end of the template.</summary>
    private List<Statement> ParseBody(string[]? endTags)
    {
        var body = new List<Statement>();
        var output = new List<OutputPart>();
        Token? first = null;
        if (endTags is not null)
        {
            _endTokens.Add(endTags);
        }

        while (_stream.Current.Kind != TokenKind.End)
        {
            var token = _stream.Take();
            first ??= token;
            switch (token.Kind)
            {
                case TokenKind.Data:
                    output.Add(new OutputPart(token.Text, null));
                    break;
                case TokenKind.VariableBegin:
                    output.Add(new OutputPart(null, ParseTuple()));
                    _stream.Expect(TokenKind.VariableEnd);
                    break;
                default:
                    Flush(token);
                    if (endTags is not null && _stream.Current.Kind == TokenKind.Name && endTags.Contains(_stream.Current.Text, StringComparer.Ordinal))
                    {
                        _endTokens.RemoveAt(_endTokens.Count - 1);
                        return body;
                    }

                    Nest();
                    body.Add(ParseStatement());
                    _nesting--;
                    _stream.Expect(TokenKind.BlockEnd);
                    break;
            }
        }

        Flush(_stream.Current);
        if (endTags is not null)
        {
            throw UnknownTag(null, _stream.Current);
        }

        return body;

        void Flush(Token at)
        {
            if (output.Count > 0)
            {
                body.Add(new OutputStatement([.. output], (first ?? at).Line, (first ?? at).Column));
                output.Clear();
            }

            first = null;
        }
    }

    private Statement ParseStatement()
    {
        var token = _stream.Current;
        if (token.Kind != TokenKind.Name)
        {
            throw Fail("tag name expected", token);
        }

        _tags.Add(token.Text);
        Func<Token, Statement>? parse = token.Text switch
        {
            "for" => ParseFor,
            "if" => ParseIf,
            "set" => ParseSet,
            "with" => ParseWith,
            "macro" => ParseMacro,
            "call" => ParseCallBlock,
            "filter" => ParseFilterBlock,
            "generation" => ParseGeneration,
            "block" => ParseBlock,
            "autoescape" => ParseAutoescape,
            "print" => ParsePrint,
            "break" or "continue" => ParseLoopControl,
            "include" or "import" or "from" or "extends" => ParseLoad,
            _ => null,
        };
        if (parse is null)
        {
            _tags.RemoveAt(_tags.Count - 1);
            throw UnknownTag(token.Text, token);
        }

        _stream.Take();
        var statement = parse(token);
        _tags.RemoveAt(_tags.Count - 1);
        return statement;
    }

    /// <summary>The rest of an opening tag and the body behind it, up to one of the end tags.</summary>
    private List<Statement> ParseBlockBody(params string[] endTags)
    {
        _stream.SkipOperator(":");
        _stream.Expect(TokenKind.BlockEnd);
        return ParseBody(endTags);
    }

    private List<Statement> ParseClosedBody(string endTag)
    {
        var body = ParseBlockBody(endTag);
        _stream.Take();
        return body;
    }

    private FrameBody ParseFrame(string endTag) => new(ParseClosedBody(endTag));

    private ForStatement ParseFor(Token at)
    {
        var outerStore = _loopStore;
        _loopStore = null;
        var target = ParseTarget();
        _stream.ExpectName("in");
        var iterable = ParseTuple(withCondition: false);
        var test = _stream.SkipName("if") ? ParseExpression() : null;
        var recursive = _stream.SkipName("recursive");
        _loops++;
        var body = ParseBlockBody("endfor", "else");
        _loops--;
        var otherwise = _stream.Take().Text == "endfor" ? [] : ParseClosedBody("endfor");
        if (_loopStore is { } store)
        {
            throw Fail("Can't assign to special loop variable in for-loop target", store, TemplateErrorKind.Assertion);
        }

        _loopStore = outerStore;
        return new ForStatement(target, iterable, test, recursive, new FrameBody(body), new FrameBody(otherwise), at.Line, at.Column);
    }

    private IfStatement ParseIf(Token at)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        while (true)
        {
            var test = ParseTuple(withCondition: false);
            branches.Add((test, ParseBlockBody("elif", "else", "endif")));
            var end = _stream.Take();
            if (!end.IsName("elif"))
            {
                return new IfStatement(branches, end.IsName("else") ? ParseClosedBody("endif") : [], at.Line, at.Column);
            }
        }
    }

    private Statement ParseSet(Token at)
    {
        var target = ParseTarget(withNamespace: true);
        if (_stream.SkipOperator("="))
        {
            return new SetStatement(target, ParseTuple(), at.Line, at.Column);
        }

        FilterExpression? filter = null;
        while (_stream.SkipOperator("|"))
        {
            filter = ParseFilter(filter);
        }

        return new SetBlockStatement(target, filter, ParseFrame("endset"), at.Line, at.Column);
    }

    private WithStatement ParseWith(Token at)
    {
        var bindings = new List<(Target, Expression)>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (bindings.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            var store = _loopStore;
            var target = ParseTarget();
            _loopStore = store;
            _stream.ExpectOperator("=");
            bindings.Add((target, ParseExpression()));
        }

        return new WithStatement(bindings, ParseFrame("endwith"), at.Line, at.Column);
    }

    private AutoescapeStatement ParseAutoescape(Token at) => new(ParseExpression(), ParseFrame("endautoescape"), at.Line, at.Column);

    private OutputStatement ParsePrint(Token at)
    {
        var parts = new List<OutputPart>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (parts.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            parts.Add(new OutputPart(null, ParseExpression()));
        }

        return new OutputStatement(parts, at.Line, at.Column);
    }

    private LoopControlStatement ParseLoopControl(Token at) =>
        _loops > 0 ? new LoopControlStatement(at.Text == "break", at.Line, at.Column)
            : throw Fail(at.Text == "break" ? "'break' outside loop" : "'continue' not properly in loop", at);

    private BlockStatement ParseBlock(Token at)
    {
        var name = _stream.ExpectName().Text;
        var scoped = _stream.SkipName("scoped");
        var required = _stream.SkipName("required");
        if (_stream.Current.IsOperator("-"))
        {
            throw Fail("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.");
        }

        var body = Isolated(() => ParseFrame("endblock"));
        _stream.SkipName(name);
        if (required && body.Statements.Any(s => s is not OutputStatement output || output.Parts.Any(p => p.Text is null || !string.IsNullOrWhiteSpace(p.Text))))
        {
            throw Fail("Required blocks can only contain comments or whitespace");
        }

        var block = new BlockStatement(name, scoped, required, body, at.Line, at.Column);
        return _blocks.TryAdd(name, block) ? block : throw Fail($"block {Values.StrValue.Quote(name)} defined twice", at, TemplateErrorKind.Assertion);
    }

    /// <summary>Reads over the tag: a chat template has no loader, so only the mistake of using it remains.</summary>
    private LoadStatement ParseLoad(Token at)
    {
        ParseExpression();
        while (_stream.Current.Kind is not (TokenKind.BlockEnd or TokenKind.End))
        {
            _stream.Take();
        }

        return new LoadStatement(at.Text, at.Line, at.Column);
    }

    /// <summary>Parses what becomes a function of its own: a break inside cannot leave a loop outside.</summary>
    private T Isolated<T>(Func<T> parse)
    {
        var loops = _loops;
        _loops = 0;
        var result = parse();
        _loops = loops;
        return result;
    }
}
