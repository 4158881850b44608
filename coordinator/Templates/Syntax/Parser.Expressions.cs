namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed partial class Parser
{
    private Expression ParseExpression(bool withCondition = true)
    {
        Nest();
        var expression = withCondition ? ParseConditional() : ParseOr();
        _nesting--;
        return expression;
    }

    private Expression ParseConditional()
    {
        var at = _stream.Current;
        var expression = ParseOr();
        while (_stream.SkipName("if"))
        {
            var test = ParseOr();
            var otherwise = _stream.SkipName("else") ? ParseExpression() : null;
            expression = Made(new ConditionalExpression(test, expression, otherwise, at.Line, at.Column));
        }

        return expression;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (_stream.Current.IsName("or"))
        {
            var at = _stream.Take();
            left = Made(new LogicalExpression(false, left, ParseAnd(), at.Line, at.Column));
        }

        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (_stream.Current.IsName("and"))
        {
            var at = _stream.Take();
            left = Made(new LogicalExpression(true, left, ParseNot(), at.Line, at.Column));
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!_stream.Current.IsName("not"))
        {
            return ParseComparison();
        }

        var at = _stream.Take();
        Nest();
        var operand = ParseNot();
        _nesting--;
        return Made(new NotExpression(operand, at.Line, at.Column));
    }

    private Expression ParseComparison()
    {
        var at = _stream.Current;
        var first = ParseSum();
        var rest = new List<(ComparisonOperator, Expression)>();
        while (TakeComparison() is { } comparison)
        {
            rest.Add((comparison, ParseSum()));
        }

        return rest.Count == 0 ? first : Made(new ComparisonExpression(first, rest, at.Line, at.Column));
    }

    private ComparisonOperator? TakeComparison()
    {
        var token = _stream.Current;
        if (token.IsName("not") && _stream.Look().IsName("in"))
        {
            _stream.Take();
            _stream.Take();
            return ComparisonOperator.NotIn;
        }

        ComparisonOperator? comparison = token.IsName("in") ? ComparisonOperator.In : token.Kind != TokenKind.Operator ? null : token.Text switch
        {
            "==" => ComparisonOperator.Equal,
            "!=" => ComparisonOperator.NotEqual,
            "<" => ComparisonOperator.Less,
            "<=" => ComparisonOperator.LessOrEqual,
            ">" => ComparisonOperator.Greater,
            ">=" => ComparisonOperator.GreaterOrEqual,
            _ => null,
        };
        if (comparison is not null)
        {
            _stream.Take();
        }

        return comparison;
    }

    private Expression ParseSum() =>
        ParseLeft(ParseConcatenation, symbol => symbol switch { "+" => BinaryOperator.Add, "-" => BinaryOperator.Subtract, _ => null });

    /// <summary><c>~</c> binds tighter than + and weaker than *.</summary>
    private Expression ParseConcatenation()
    {
        var at = _stream.Current;
        var first = ParseProduct();
        if (!_stream.Current.IsOperator("~"))
        {
            return first;
        }

        var parts = new List<Expression> { first };
        while (_stream.SkipOperator("~"))
        {
            parts.Add(ParseProduct());
        }

        return Made(new ConcatenationExpression(parts, at.Line, at.Column));
    }

    private Expression ParseProduct() => ParseLeft(ParsePower, symbol => symbol switch
    {
        "*" => BinaryOperator.Multiply,
        "/" => BinaryOperator.Divide,
        "//" => BinaryOperator.FloorDivide,
        "%" => BinaryOperator.Modulo,
        _ => null,
    });

    /// <summary>Left-associative, unlike Python's.</summary>
    private Expression ParsePower() => ParseLeft(() => ParseUnary(), symbol => symbol == "**" ? BinaryOperator.Power : null);

    private Expression ParseLeft(Func<Expression> operand, Func<string, BinaryOperator?> find)
    {
        var left = operand();
        while (_stream.Current.Kind == TokenKind.Operator && find(_stream.Current.Text) is { } found)
        {
            var at = _stream.Take();
            left = Made(new BinaryExpression(found, left, operand(), at.Line, at.Column));
        }

        return left;
    }

    private Expression ParseUnary(bool withFilters = true)
    {
        var at = _stream.Current;
        Expression node;
        if (at.IsOperator("-") || at.IsOperator("+"))
        {
            _stream.Take();
            Nest();
            node = Made(new SignExpression(at.Text == "-", ParseUnary(withFilters: false), at.Line, at.Column));
            _nesting--;
        }
        else
        {
            node = ParsePrimary();
        }

        node = ParsePostfix(node);
        return withFilters ? ParseFilters(node) : node;
    }
}
