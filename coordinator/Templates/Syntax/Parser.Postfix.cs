using Orchestrator.Coordinator.Templates.Filters;

namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed partial class Parser
{
    private Expression ParsePostfix(Expression node)
    {
        while (_stream.Current.Kind == TokenKind.Operator && _stream.Current.Text is "." or "[" or "(")
        {
            node = _stream.Current.Text == "(" ? ParseCall(node) : ParseSubscript(node);
        }

        return node;
    }

    /// <summary>Filters, tests and calls behind an operand; they bind tighter than every binary operator.</summary>
    private Expression ParseFilters(Expression node)
    {
        while (true)
        {
            if (_stream.SkipOperator("|"))
            {
                node = ParseFilter(node);
            }
            else if (_stream.Current.IsName("is"))
            {
                node = ParseTest(node);
            }
            else if (_stream.Current.IsOperator("("))
            {
                node = ParseCall(node);
            }
            else
            {
                return node;
            }
        }
    }

    private CallExpression ParseCall(Expression node)
    {
        var at = _stream.Current;
        return Made(new CallExpression(node, ParseArguments(), at.Line, at.Column));
    }

    private FilterExpression ParseFilter(Expression? node)
    {
        var at = _stream.Current;
        var name = ParseDottedName();
        var arguments = _stream.Current.IsOperator("(") ? ParseArguments() : ArgumentList.Empty;
        return Made(new FilterExpression(node, name, FilterTable.Find(name), arguments, at.Line, at.Column));
    }

    private Expression ParseTest(Expression node)
    {
        var at = _stream.Take();
        var negated = _stream.SkipName("not");
        var name = ParseDottedName();
        var arguments = ArgumentList.Empty;
        var token = _stream.Current;
        if (token.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if ((token.Kind is TokenKind.Name or TokenKind.String or TokenKind.Integer or TokenKind.Float || token.IsOperator("[") || token.IsOperator("{"))
            && !(token.IsName("else") || token.IsName("or") || token.IsName("and")))
        {
            if (token.IsName("is"))
            {
                throw Fail("You cannot chain multiple tests with is");
            }

            arguments = ArgumentList.Empty with { Positional = [ParsePostfix(ParsePrimary())] };
        }

        Expression test = Made(new TestExpression(node, name, TestTable.Find(name), arguments, at.Line, at.Column));
        return negated ? Made(new NotExpression(test, at.Line, at.Column)) : test;
    }

    private string ParseDottedName()
    {
        var name = _stream.ExpectName().Text;
        while (_stream.SkipOperator("."))
        {
            name += "." + _stream.ExpectName().Text;
        }

        return name;
    }

    private Expression ParseSubscript(Expression node)
    {
        var at = _stream.Take();
        if (at.Text == ".")
        {
            var name = _stream.Take();
            return name.Kind switch
            {
                TokenKind.Name => Made(new AttributeExpression(node, name.Text, at.Line, at.Column)),
                TokenKind.Integer => Made(new ItemExpression(node, new ConstantExpression(name.Number!, name.Line, name.Column), at.Line, at.Column)),
                _ => throw Fail("expected name or number", name),
            };
        }

        var keys = new List<Expression>();
        while (!_stream.Current.IsOperator("]"))
        {
            if (keys.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            keys.Add(ParseKey());
        }

        _stream.ExpectOperator("]");
        if (keys.Count != 1 && keys.Exists(k => k is SliceExpression))
        {
            throw Fail("a slice beside other keys is not supported", at, TemplateErrorKind.Unsupported);
        }

        var key = keys.Count == 1 ? keys[0] : Made(new TupleExpression(keys, at.Line, at.Column));
        return Made(new ItemExpression(node, key, at.Line, at.Column));
    }

    private Expression ParseKey()
    {
        var at = _stream.Current;
        Expression? start = null;
        if (!_stream.Current.IsOperator(":"))
        {
            start = ParseExpression();
            if (!_stream.Current.IsOperator(":"))
            {
                return start;
            }
        }

        _stream.Take();
        var stop = SlicePart();
        var step = _stream.SkipOperator(":") ? SlicePart() : null;
        return Made(new SliceExpression(start, stop, step, at.Line, at.Column));
    }

    private Expression? SlicePart() =>
        _stream.Current.IsOperator(":") || _stream.Current.IsOperator("]") || _stream.Current.IsOperator(",") ? null : ParseExpression();

    private ArgumentList ParseArguments()
    {
        var at = _stream.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string Name, Expression Value)>();
        Expression? star = null;
        Expression? doubleStar = null;
        for (var first = true; !_stream.Current.IsOperator(")"); first = false)
        {
            if (!first)
            {
                _stream.ExpectOperator(",");
                if (_stream.Current.IsOperator(")"))
                {
                    break;
                }
            }

            if (_stream.Current.IsOperator("*"))
            {
                Ensure(star is null && doubleStar is null);
                _stream.Take();
                star = ParseExpression();
            }
            else if (_stream.Current.IsOperator("**"))
            {
                Ensure(doubleStar is null);
                _stream.Take();
                doubleStar = ParseExpression();
            }
            else if (_stream.Current.Kind == TokenKind.Name && _stream.Look().IsOperator("="))
            {
                Ensure(doubleStar is null);
                var name = _stream.Take().Text;
                _stream.Take();
                Ensure(!named.Exists(n => n.Name == name));
                named.Add((name, ParseExpression()));
            }
            else
            {
                Ensure(star is null && doubleStar is null && named.Count == 0);
                positional.Add(ParseExpression());
            }
        }

        _stream.ExpectOperator(")");
        return new ArgumentList(positional, named, star, doubleStar);

        void Ensure(bool holds)
        {
            if (!holds)
            {
                throw Fail("invalid syntax for function call expression", at);
            }
        }
    }
}
