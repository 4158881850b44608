using System.Numerics;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Python's equality, order and membership.</summary>
internal static class Comparison
{
    public static bool Holds(ComparisonOperator comparison, Value left, Value right, Budget budget) => comparison switch
    {
        ComparisonOperator.Equal => AreEqual(left, right, budget),
        ComparisonOperator.NotEqual => !AreEqual(left, right, budget),
        ComparisonOperator.In => Contains(right, left, budget),
        ComparisonOperator.NotIn => !Contains(right, left, budget),
        _ => IsOrdered(comparison, left, right, budget),
    };

    public static bool AreEqual(Value left, Value right, Budget budget)
    {
        budget.Step();
        switch (left, right)
        {
            case (StrValue a, StrValue b):
                budget.Step(Math.Min(a.Text.Length, b.Text.Length) >> 8);
                return string.Equals(a.Text, b.Text, StringComparison.Ordinal);
            case (ListValue a, ListValue b):
                return ReferenceEquals(a, b) || AreEqual(a.Items, b.Items, budget);
            case (TupleValue a, TupleValue b):
                return ReferenceEquals(a, b) || AreEqual(a.Items, b.Items, budget);
            case (DictValue a, DictValue b):
                return ReferenceEquals(a, b) || AreEqual(a, b, budget);
            case (UndefinedValue, UndefinedValue) or (NoneValue, NoneValue):
                return true;
            case (BytesValue a, BytesValue b):
                return a.Bytes.AsSpan().SequenceEqual(b.Bytes);
            case (RangeValue a, RangeValue b):
                return a.Length == b.Length && (a.Length == 0 || (a.Start == b.Start && (a.Length == 1 || a.Step == b.Step)));
            case (DictViewValue { Kind: DictViewKind.Keys or DictViewKind.Items } a, DictViewValue { Kind: DictViewKind.Keys or DictViewKind.Items } b):
                return a.Length == b.Length && a.Iterate(budget).All(x => Contains(b, x, budget));
            default:
                return CompareNumbers(left, right, out var order) ? order == 0 : ReferenceEquals(left, right);
        }
    }

    /// <summary>Whether <paramref name="left"/> &lt; <paramref name="right"/>, as sorting asks.</summary>
    public static bool IsLess(Value left, Value right, Budget budget) => IsOrdered(ComparisonOperator.Less, left, right, budget);

    public static bool Contains(Value container, Value item, Budget budget)
    {
        switch (container)
        {
            case StrValue text:
                var needle = item as StrValue
                    ?? throw new TemplateException(TemplateErrorKind.Type, $"'in <string>' requires string as left operand, not {item.TypeName}");
                return TextSearch.Find(text.Text, needle.Text, 0, budget) >= 0;
            case DictValue dict:
                return dict.Get(item) is not null;
            case DictViewValue { Kind: DictViewKind.Keys } keys:
                return keys.Dict.Get(item) is not null;
            default:
                var items = container.Iterate(budget) ?? throw new TemplateException(TemplateErrorKind.Type, $"argument of type '{container.TypeName}' is not iterable");
                return items.Any(x => ReferenceEquals(x, item) || AreEqual(x, item, budget));
        }
    }

    /// <summary>Compares by code points.</summary>
    public static int CompareText(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        var (a, b) = (left[common], right[common]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }

    private static bool AreEqual(IReadOnlyList<Value> left, IReadOnlyList<Value> right, Budget budget)
    {
        if (left.Count != right.Count)
        {
            return false;
        }

        budget.Enter();
        var equal = true;
        for (var i = 0; equal && i < left.Count; i++)
        {
            equal = ReferenceEquals(left[i], right[i]) || AreEqual(left[i], right[i], budget);
        }

        budget.Leave();
        return equal;
    }

    private static bool AreEqual(DictValue left, DictValue right, Budget budget)
    {
        if (left.Length != right.Length)
        {
            return false;
        }

        budget.Enter();
        var equal = left.Entries.All(e => right.Get(e.Key) is { } value && (ReferenceEquals(value, e.Value) || AreEqual(e.Value, value, budget)));
        budget.Leave();
        return equal;
    }

    private static bool IsOrdered(ComparisonOperator comparison, Value left, Value right, Budget budget)
    {
        budget.Step();
        switch (left, right)
        {
            case (UndefinedValue undefined, _):
                throw undefined.Error();
            case (_, UndefinedValue undefined):
                throw undefined.Error();
            case (StrValue a, StrValue b):
                budget.Step(Math.Min(a.Text.Length, b.Text.Length) >> 8);
                return Holds(comparison, CompareText(a.Text, b.Text));
            case (ListValue a, ListValue b):
                return AreOrdered(comparison, a.Items, b.Items, budget);
            case (TupleValue a, TupleValue b):
                return AreOrdered(comparison, a.Items, b.Items, budget);
            default:
                if (CompareNumbers(left, right, out var order))
                {
                    return order is { } known && Holds(comparison, known);
                }

                throw new TemplateException(
                    TemplateErrorKind.Type, $"'{Symbol(comparison)}' not supported between instances of '{left.TypeName}' and '{right.TypeName}'");
        }
    }

    private static bool AreOrdered(ComparisonOperator comparison, IReadOnlyList<Value> left, IReadOnlyList<Value> right, Budget budget)
    {
        budget.Enter();
        var result = Holds(comparison, left.Count.CompareTo(right.Count));
        for (var i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            if (!ReferenceEquals(left[i], right[i]) && !AreEqual(left[i], right[i], budget))
            {
                result = IsOrdered(comparison, left[i], right[i], budget);
                break;
            }
        }

        budget.Leave();
        return result;
    }

    private static bool Holds(ComparisonOperator comparison, int order) => comparison switch
    {
        ComparisonOperator.Less => order < 0,
        ComparisonOperator.LessOrEqual => order <= 0,
        ComparisonOperator.Greater => order > 0,
        _ => order >= 0,
    };

    private static string Symbol(ComparisonOperator comparison) => comparison switch
    {
        ComparisonOperator.Less => "<",
        ComparisonOperator.LessOrEqual => "<=",
        ComparisonOperator.Greater => ">",
        _ => ">=",
    };

    /// <summary>Whether both are numbers, and their order (null beside a NaN).</summary>
    private static bool CompareNumbers(Value left, Value right, out int? order)
    {
        order = null;
        var leftInt = IntValue.TryGet(left, out var a);
        var rightInt = IntValue.TryGet(right, out var b);
        if (leftInt && rightInt)
        {
            order = a.CompareTo(b);
            return true;
        }

        switch (left, right)
        {
            case (FloatValue x, FloatValue y):
                order = double.IsNaN(x.Number) || double.IsNaN(y.Number) ? null : x.Number.CompareTo(y.Number);
                return true;
            case (FloatValue x, _) when rightInt:
                order = Compare(x.Number, b);
                return true;
            case (_, FloatValue y) when leftInt:
                order = -Compare(y.Number, a);
                return true;
            default:
                return false;
        }
    }

    private static int? Compare(double number, BigInteger integer)
    {
        if (double.IsNaN(number))
        {
            return null;
        }

        if (double.IsInfinity(number))
        {
            return number > 0 ? 1 : -1;
        }

        var whole = new BigInteger(Math.Floor(number)).CompareTo(integer);
        return whole != 0 ? whole : number > Math.Floor(number) ? 1 : 0;
    }
}
