using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

internal sealed partial class Interpreter
{
    private Value Evaluate(Expression expression, Scope scope)
    {
        _budget.Step();
        switch (expression)
        {
            case ConstantExpression constant:
                return constant.Value;
            case NameExpression name:
                _at = name;
                return scope.Find(name.Name) ?? UndefinedValue.Name(name.Name);
        }

        _budget.Enter();
        var value = EvaluateTree(expression, scope);
        _budget.Leave();
        return value;
    }

    private Value EvaluateTree(Expression expression, Scope scope)
    {
        switch (expression)
        {
            case AttributeExpression attribute:
                var owner = Evaluate(attribute.Target, scope);
                _at = attribute;
                return Sandbox.Attribute(owner, attribute.Name, _budget);
            case ItemExpression item:
                return EvaluateItem(item, scope);
            case ConditionalExpression conditional:
                return Evaluate(conditional.Test, scope).IsTrue ? Evaluate(conditional.Then, scope)
                    : conditional.Else is not null ? Evaluate(conditional.Else, scope)
                    : UndefinedValue.Hint($"the inline if-expression on line {conditional.Line} evaluated to false and no else section was defined.");
            case LogicalExpression logical:
                var left = Evaluate(logical.Left, scope);
                return left.IsTrue == logical.IsAnd ? Evaluate(logical.Right, scope) : left;
            case NotExpression not:
                return BoolValue.Of(!Evaluate(not.Operand, scope).IsTrue);
            case ComparisonExpression comparison:
                return EvaluateComparison(comparison, scope);
            case BinaryExpression binary:
                var (first, second) = (Evaluate(binary.Left, scope), Evaluate(binary.Right, scope));
                _at = binary;
                return Arithmetic.Apply(binary.Operator, first, second, _context);
            case SignExpression sign:
                var operand = Evaluate(sign.Operand, scope);
                _at = sign;
                return Arithmetic.Sign(sign.IsNegative, operand);
            case ConcatenationExpression concatenation:
                return Concatenate(concatenation, scope);
            case FilterExpression filter:
                return ApplyFilter(filter, scope, null);
            case TestExpression test:
                return ApplyTest(test, scope);
            case CallExpression call:
                return Call(call, scope, null);
            default:
                return EvaluateDisplay(expression, scope);
        }
    }

    private Value EvaluateDisplay(Expression expression, Scope scope)
    {
        switch (expression)
        {
            case TupleExpression tuple:
                return new TupleValue(EvaluateAll(tuple.Items, scope));
            case ListExpression list:
                return new ListValue(EvaluateAll(list.Items, scope));
            case DictExpression display:
                var dict = new DictValue(_budget);
                _budget.AllocateElements(display.Items.Count * 2L);
                foreach (var (key, value) in display.Items)
                {
                    dict.Set(Evaluate(key, scope), Evaluate(value, scope));
                }

                return dict;
            default:
                throw new TemplateException(TemplateErrorKind.Unsupported, $"{expression.Kind} is not supported here");
        }
    }

    private List<Value> EvaluateAll(IReadOnlyList<Expression> expressions, Scope scope)
    {
        _budget.AllocateElements(expressions.Count);
        var values = new List<Value>(expressions.Count);
        foreach (var expression in expressions)
        {
            values.Add(Evaluate(expression, scope));
        }

        return values;
    }

    private Value EvaluateItem(ItemExpression item, Scope scope)
    {
        var target = Evaluate(item.Target, scope);
        if (item.Key is SliceExpression slice)
        {
            var (start, stop, step) = (Part(slice.Start), Part(slice.Stop), Part(slice.Step));
            _at = item;
            return Slice(target, start, stop, step);
        }

        var key = Evaluate(item.Key, scope);
        _at = item;
        return Sandbox.Item(target, key, _budget);

        Value Part(Expression? part) => part is null ? NoneValue.Instance : Evaluate(part, scope);
    }

    /// <summary>A constant that is printed: Jinja slices it as it takes items, so a slice that cannot be is undefined; where that is no text, the slice's own error is left.</summary>
    private Value EvaluateConstant(Expression expression, Scope scope)
    {
        _constant = (true, null);
        try
        {
            return Evaluate(expression, scope);
        }
        catch (TemplateException error) when (error.Kind != TemplateErrorKind.Limit && _constant.FirstSlice is not null)
        {
            throw _constant.FirstSlice;
        }
        finally
        {
            _constant = (false, null);
        }
    }

    private Value Slice(Value target, Value start, Value stop, Value step)
    {
        try
        {
            return Slicing.Slice(target, start, stop, step, _budget);
        }
        catch (TemplateException error) when (_constant.IsPrinted && error.Kind == TemplateErrorKind.Type)
        {
            _constant.FirstSlice ??= error;
            return UndefinedValue.Hint(error.Reason);
        }
    }

    private BoolValue EvaluateComparison(ComparisonExpression comparison, Scope scope)
    {
        var left = Evaluate(comparison.First, scope);
        foreach (var (symbol, operand) in comparison.Rest)
        {
            var right = Evaluate(operand, scope);
            _at = comparison;
            if (!Comparison.Holds(symbol, left, right, _budget))
            {
                return BoolValue.False;
            }

            left = right;
        }

        return BoolValue.True;
    }

    private StrValue Concatenate(ConcatenationExpression concatenation, Scope scope)
    {
        var values = EvaluateAll(concatenation.Parts, scope);
        if (_context.Autoescape && values.Exists(v => v is StrValue { IsSafe: true }))
        {
            return Arithmetic.Join([.. values.Select(v => Html.Escape(v, _budget))], true, _budget);
        }

        return Arithmetic.Join([.. values.Select(v => v as StrValue ?? new StrValue(v.ToText(_budget)))], false, _budget);
    }

    private Value ApplyFilter(FilterExpression filter, Scope scope, StrValue? blockText)
    {
        var target = filter.Target switch
        {
            null => blockText!,
            FilterExpression inner when blockText is not null => ApplyFilter(inner, scope, blockText),
            _ => Evaluate(filter.Target, scope),
        };
        var arguments = EvaluateArguments(filter.Arguments, scope, target, null);
        _at = filter;
        return (filter.Definition ?? throw new TemplateException(TemplateErrorKind.Runtime, $"No filter named {StrValue.Quote(filter.Name)} found."))
            .Apply(arguments, _context);
    }

    private Value ApplyTest(TestExpression test, Scope scope)
    {
        var target = Evaluate(test.Target, scope);
        var arguments = EvaluateArguments(test.Arguments, scope, target, null);
        _at = test;
        return (test.Definition ?? throw new TemplateException(TemplateErrorKind.Runtime, $"No test named {StrValue.Quote(test.Name)} found."))
            .Apply(arguments, _context);
    }

    private Value Call(CallExpression call, Scope scope, KeyValuePair<string, Value>? caller)
    {
        var target = Evaluate(call.Target, scope);
        var arguments = EvaluateArguments(call.Arguments, scope, null, caller);
        _at = call;
        return target.Call(arguments, _context);
    }

    private Arguments EvaluateArguments(ArgumentList list, Scope scope, Value? first, KeyValuePair<string, Value>? extra)
    {
        var positional = new List<Value>(list.Positional.Count + 1);
        if (first is not null)
        {
            positional.Add(first);
        }

        foreach (var argument in list.Positional)
        {
            positional.Add(Evaluate(argument, scope));
        }

        List<KeyValuePair<string, Value>> named = [];
        foreach (var (name, value) in list.Named)
        {
            named.Add(new(name, Evaluate(value, scope)));
        }

        if (extra is { } given)
        {
            named.Add(given);
        }

        if (list.Star is not null)
        {
            positional.AddRange(Evaluate(list.Star, scope).ToList(_budget));
        }

        if (list.DoubleStar is not null)
        {
            Spread(Evaluate(list.DoubleStar, scope), named);
        }

        return new Arguments(positional, named);
    }

    private void Spread(Value value, List<KeyValuePair<string, Value>> named)
    {
        if (value is not DictValue dict)
        {
            throw new TemplateException(TemplateErrorKind.Type, $"argument after ** must be a mapping, not {value.TypeName}");
        }

        _budget.AllocateElements(dict.Entries.Count);
        foreach (var (key, element) in dict.Entries)
        {
            if (key is not StrValue name)
            {
                throw new TemplateException(TemplateErrorKind.Type, "keywords must be strings");
            }

            if (named.Exists(n => n.Key == name.Text))
            {
                throw new TemplateException(TemplateErrorKind.Type, $"got multiple values for keyword argument {StrValue.Quote(name.Text)}");
            }

            named.Add(new(name.Text, element));
        }
    }
}
