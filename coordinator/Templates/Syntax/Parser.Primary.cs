using System.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed partial class Parser
{
    private Expression ParsePrimary()
    {
        var token = _stream.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                _stream.Take();
                return token.Text switch
                {
                    "true" or "True" => new ConstantExpression(BoolValue.True, token.Line, token.Column),
                    "false" or "False" => new ConstantExpression(BoolValue.False, token.Line, token.Column),
                    "none" or "None" => new ConstantExpression(NoneValue.Instance, token.Line, token.Column),
                    _ => new NameExpression(token.Text, token.Line, token.Column),
                };
            case TokenKind.String:
                return ParseStrings(token);
            case TokenKind.Integer or TokenKind.Float:
                _stream.Take();
                return new ConstantExpression(token.Number!, token.Line, token.Column);
            case TokenKind.Operator when token.Text == "(":
                _stream.Take();
                var inner = ParseTuple(inParentheses: true);
                _stream.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return ParseList();
            case TokenKind.Operator when token.Text == "{":
                return ParseDict();
            default:
                throw Fail($"unexpected {StrValue.Quote(token.Describe())}", token);
        }
    }

    /// <summary>Strings side by side are one.</summary>
    private ConstantExpression ParseStrings(Token first)
    {
        var text = new StringBuilder();
        while (_stream.Current.Kind == TokenKind.String)
        {
            text.Append(_stream.Take().Text);
        }

        return new ConstantExpression(new StrValue(text.ToString()), first.Line, first.Column);
    }

    /// <summary>Where a tuple may end behind a comma; a for loop's "in" is no such place, as in Jinja itself.</summary>
    private bool IsTupleEnd() => _stream.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || _stream.Current.IsOperator(")");

    /// <summary>One expression, or several with commas as a tuple.</summary>
    private Expression ParseTuple(bool withCondition = true, bool inParentheses = false)
    {
        var at = _stream.Current;
        var items = new List<Expression>();
        var isTuple = false;
        while (true)
        {
            if (items.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            if (IsTupleEnd())
            {
                break;
            }

            items.Add(ParseExpression(withCondition));
            if (!_stream.Current.IsOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        if (!isTuple && items.Count > 0)
        {
            return items[0];
        }

        return isTuple || inParentheses ? Made(new TupleExpression(items, at.Line, at.Column))
            : throw Fail($"Expected an expression, got {StrValue.Quote(_stream.Current.Describe())}");
    }

    private ListExpression ParseList()
    {
        var at = _stream.ExpectOperator("[");
        var items = new List<Expression>();
        while (!_stream.Current.IsOperator("]"))
        {
            if (items.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            if (_stream.Current.IsOperator("]"))
            {
                break;
            }

            items.Add(ParseExpression());
        }

        _stream.ExpectOperator("]");
        return Made(new ListExpression(items, at.Line, at.Column));
    }

    private DictExpression ParseDict()
    {
        var at = _stream.ExpectOperator("{");
        var items = new List<(Expression, Expression)>();
        while (!_stream.Current.IsOperator("}"))
        {
            if (items.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            if (_stream.Current.IsOperator("}"))
            {
                break;
            }

            var key = ParseExpression();
            _stream.ExpectOperator(":");
            items.Add((key, ParseExpression()));
        }

        _stream.ExpectOperator("}");
        return Made(new DictExpression(items, at.Line, at.Column));
    }
}
