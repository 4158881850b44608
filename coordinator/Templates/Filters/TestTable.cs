using System.Numerics;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Jinja's tests by name.</summary>
internal static class TestTable
{
    private static readonly Dictionary<string, Filter> Tests = new(StringComparer.Ordinal)
    {
        ["odd"] = One(b => Remainder(b[0], IntValue.Of(2), b.Context) is IntValue { Number.IsOne: true } or FloatValue { Number: 1 }),
        ["even"] = One(b => !Remainder(b[0], IntValue.Of(2), b.Context).IsTrue),
        ["divisibleby"] = Two("num", b => !Remainder(b[0], b[1], b.Context).IsTrue),
        ["defined"] = One(b => b[0] is not UndefinedValue),
        ["undefined"] = One(b => b[0] is UndefinedValue),
        ["filter"] = One(b => FilterTable.Find(Name(b)) is not null),
        ["test"] = One(b => Find(Name(b)) is not null),
        ["none"] = One(b => b[0] is NoneValue),
        ["boolean"] = One(b => b[0] is BoolValue),
        ["false"] = One(b => b[0] is BoolValue { IsTrue: false }),
        ["true"] = One(b => b[0] is BoolValue { IsTrue: true }),
        ["integer"] = One(b => b[0] is IntValue),
        ["float"] = One(b => b[0] is FloatValue),
        ["lower"] = One(b => Casing.IsLower(Read(b))),
        ["upper"] = One(b => Casing.IsUpper(Read(b))),
        ["string"] = One(b => b[0] is StrValue),
        ["mapping"] = One(b => b[0] is DictValue),
        ["number"] = One(b => b[0] is IntValue or FloatValue or BoolValue),
        ["sequence"] = One(b => b[0] is StrValue or ListValue or TupleValue or DictValue or RangeValue or BytesValue or UndefinedValue),
        ["iterable"] = One(b => b[0].Iterate(b.Budget) is not null),
        ["callable"] = One(b => b[0].IsCallable || b[0] is UndefinedValue),
        ["sameas"] = Two("other", b => IsSame(b[0], b[1])),
        ["escaped"] = One(b => b[0] is StrValue { IsSafe: true }),
        ["in"] = Two("seq", b => Comparison.Contains(b[1], b[0], b.Budget)),
        ["=="] = Compare(ComparisonOperator.Equal),
        ["eq"] = Compare(ComparisonOperator.Equal),
        ["equalto"] = Compare(ComparisonOperator.Equal),
        ["!="] = Compare(ComparisonOperator.NotEqual),
        ["ne"] = Compare(ComparisonOperator.NotEqual),
        [">"] = Compare(ComparisonOperator.Greater),
        ["gt"] = Compare(ComparisonOperator.Greater),
        ["greaterthan"] = Compare(ComparisonOperator.Greater),
        ["ge"] = Compare(ComparisonOperator.GreaterOrEqual),
        [">="] = Compare(ComparisonOperator.GreaterOrEqual),
        ["<"] = Compare(ComparisonOperator.Less),
        ["lt"] = Compare(ComparisonOperator.Less),
        ["lessthan"] = Compare(ComparisonOperator.Less),
        ["<="] = Compare(ComparisonOperator.LessOrEqual),
        ["le"] = Compare(ComparisonOperator.LessOrEqual),
    };

    public static Filter? Find(string name) => Tests.GetValueOrDefault(name);

    // Looked at letter by letter, up to the last one.
    private static string Read(BoundArguments bound)
    {
        var text = bound[0].ToText(bound.Budget);
        bound.Budget.Step(text.Length >> 3);
        return text;
    }

    private static Filter One(Func<BoundArguments, bool> body) => new(Parameters.Of("test", "value"), b => BoolValue.Of(body(b)));

    private static Filter Two(string other, Func<BoundArguments, bool> body) => new(Parameters.Of("test", "value", other), b => BoolValue.Of(body(b)));

    private static Filter Compare(ComparisonOperator comparison) =>
        new(Parameters.Of("operator", "/", "a", "b"), b => BoolValue.Of(Comparison.Holds(comparison, b[0], b[1], b.Budget)));

    private static string Name(BoundArguments bound) => bound[0] is StrValue name ? name.Text : "";

    private static Value Remainder(Value value, Value divisor, RenderContext context) => Arithmetic.Apply(BinaryOperator.Modulo, value, divisor, context);

    /// <summary>Identity; equal texts and small numbers count as one object, as CPython keeps its constants.</summary>
    private static bool IsSame(Value left, Value right) => (left, right) switch
    {
        (StrValue a, StrValue b) => a.IsSafe == b.IsSafe && a.Text == b.Text,
        (IntValue a, IntValue b) => a.Number == b.Number && BigInteger.Abs(a.Number) <= 256,
        (TupleValue { Items.Count: 0 }, TupleValue { Items.Count: 0 }) => true,
        _ => ReferenceEquals(left, right),
    };
}
