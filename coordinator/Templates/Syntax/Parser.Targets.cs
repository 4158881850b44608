namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed partial class Parser
{
    private Target ParseTarget(bool withNamespace = false)
    {
        var at = _stream.Current;
        var items = new List<Target>();
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

            items.Add(ParseOneTarget(withNamespace));
            if (!_stream.Current.IsOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        if (isTuple)
        {
            return new TupleTarget(items, at.Line, at.Column);
        }

        return items.Count > 0 ? items[0] : throw Fail($"Expected an expression, got {Values.StrValue.Quote(_stream.Current.Describe())}");
    }

    private Target ParseOneTarget(bool withNamespace)
    {
        var token = _stream.Current;
        if (withNamespace && token.Kind == TokenKind.Name && !IsConstantName(token.Text) && _stream.Look().IsOperator("."))
        {
            _stream.Take();
            _stream.Take();
            return new NamespaceTarget(token.Text, _stream.ExpectName().Text, token.Line, token.Column);
        }

        return AsTarget(ParsePrimary(), token);
    }

    private Target AsTarget(Expression expression, Token at)
    {
        switch (expression)
        {
            case NameExpression name:
                if (name.Name == "loop")
                {
                    _loopStore ??= at;
                }

                return new NameTarget(name.Name, name.Line, name.Column);
            case TupleExpression tuple:
                return new TupleTarget([.. tuple.Items.Select(i => AsTarget(i, at))], tuple.Line, tuple.Column);
            default:
                throw Fail($"can't assign to {Values.StrValue.Quote(expression.Kind)}", at);
        }
    }

    private static bool IsConstantName(string name) => name is "true" or "false" or "none" or "True" or "False" or "None";
}
