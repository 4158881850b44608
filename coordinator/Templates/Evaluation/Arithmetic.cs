using System.Numerics;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Python's binary operators and signs.</summary>
internal static class Arithmetic
{
    public static Value Apply(BinaryOperator symbol, Value left, Value right, RenderContext context)
    {
        var budget = context.Budget;
        if (left is UndefinedValue undefinedLeft)
        {
            throw undefinedLeft.Error();
        }

        if (symbol == BinaryOperator.Modulo && left is StrValue format)
        {
            return PercentFormat.Apply(format, right, context);
        }

        if (right is UndefinedValue undefinedRight)
        {
            throw undefinedRight.Error();
        }

        if (symbol == BinaryOperator.Subtract && (IsSetLike(left) || IsSetLike(right)))
        {
            throw new TemplateException(TemplateErrorKind.Unsupported, "the difference of keys() or items() is a set, and sets are not supported here: use the filter reject or rejectattr");
        }

        return Sequence(symbol, left, right, context) ?? Numbers.Apply(symbol, left, right, budget) ?? throw Unsupported(symbol, left, right);
    }

    private static bool IsSetLike(Value value) => value is DictViewValue { Kind: not DictViewKind.Values };

    public static Value Sign(bool isNegative, Value operand)
    {
        switch (operand)
        {
            case UndefinedValue undefined:
                throw undefined.Error();
            case FloatValue number:
                return isNegative ? new FloatValue(-number.Number) : number;
            default:
                return IntValue.TryGet(operand, out var integer) ? IntValue.Of(isNegative ? -integer : integer)
                    : throw new TemplateException(TemplateErrorKind.Type, $"bad operand type for unary {(isNegative ? '-' : '+')}: '{operand.TypeName}'");
        }
    }

    /// <summary>Concatenation with the marks of both sides.</summary>
    public static StrValue Join(IReadOnlyList<StrValue> parts, bool isSafe, Budget budget)
    {
        budget.Allocate(parts.Sum(p => (long)p.Text.Length));
        var marks = new List<GenerationMark>();
        var at = 0;
        foreach (var part in parts)
        {
            marks.AddRange(part.Marks.Select(m => m with { Start = m.Start + at, End = m.End + at }));
            at += part.Text.Length;
        }

        budget.AllocateElements(marks.Count);
        return new StrValue(string.Concat(parts.Select(p => p.Text)), isSafe, marks);
    }

    /// <summary>A repeated text; anything below one time is empty.</summary>
    public static string Repeat(string text, BigInteger times, Budget budget)
    {
        if (times.Sign <= 0 || text.Length == 0)
        {
            return "";
        }

        budget.Allocate(times > int.MaxValue ? long.MaxValue : text.Length * (long)times);
        return new System.Text.StringBuilder().Insert(0, text, (int)times).ToString();
    }

    private static Value? Sequence(BinaryOperator symbol, Value left, Value right, RenderContext context) => symbol switch
    {
        BinaryOperator.Add => Add(left, right, context),
        BinaryOperator.Multiply => Multiply(left, right, context.Budget),
        _ => null,
    };

    private static Value? Add(Value left, Value right, RenderContext context)
    {
        var budget = context.Budget;
        switch (left, right)
        {
            case (StrValue a, StrValue b):
                return a.IsSafe == b.IsSafe ? Join([a, b], a.IsSafe, budget) : Join([Html.Escape(a, budget), Html.Escape(b, budget)], true, budget);
            case (ListValue a, ListValue b):
                budget.AllocateElements((long)a.Items.Count + b.Items.Count);
                return new ListValue([.. a.Items, .. b.Items]);
            case (TupleValue a, TupleValue b):
                budget.AllocateElements((long)a.Items.Count + b.Items.Count);
                return new TupleValue([.. a.Items, .. b.Items]);
            case (StrValue or ListValue or TupleValue, _):
                var kind = left is StrValue ? "str" : left.TypeName;
                throw new TemplateException(TemplateErrorKind.Type, $"can only concatenate {kind} (not \"{right.TypeName}\") to {kind}");
            default:
                return null;
        }
    }

    private static Value? Multiply(Value left, Value right, Budget budget)
    {
        if (IntValue.TryGet(left, out _) && right is StrValue or ListValue or TupleValue)
        {
            (left, right) = (right, left);
        }

        if (left is not (StrValue or ListValue or TupleValue))
        {
            return null;
        }

        if (!IntValue.TryGet(right, out var times))
        {
            throw new TemplateException(TemplateErrorKind.Type, $"can't multiply sequence by non-int of type '{right.TypeName}'");
        }

        return left switch
        {
            StrValue text => new StrValue(Repeat(text.Text, times, budget), text.IsSafe),
            ListValue list => new ListValue(Repeat(list.Items, times, budget)),
            _ => new TupleValue(Repeat(((TupleValue)left).Items, times, budget)),
        };
    }

    private static List<Value> Repeat(IReadOnlyList<Value> items, BigInteger times, Budget budget)
    {
        if (times.Sign <= 0 || items.Count == 0)
        {
            return [];
        }

        budget.AllocateElements(times > int.MaxValue ? long.MaxValue : items.Count * (long)times);
        var list = new List<Value>(items.Count * (int)times);
        for (var i = 0; i < (int)times; i++)
        {
            list.AddRange(items);
        }

        return list;
    }

    private static TemplateException Unsupported(BinaryOperator symbol, Value left, Value right)
    {
        var shown = symbol switch
        {
            BinaryOperator.Add => "+",
            BinaryOperator.Subtract => "-",
            BinaryOperator.Multiply => "*",
            BinaryOperator.Divide => "/",
            BinaryOperator.FloorDivide => "//",
            BinaryOperator.Modulo => "%",
            _ => "** or pow()",
        };
        return new TemplateException(TemplateErrorKind.Type, $"unsupported operand type(s) for {shown}: '{left.TypeName}' and '{right.TypeName}'");
    }
}
