using System.Numerics;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>A call's arguments in the places of its parameters.</summary>
/// <param name="Values">One a named parameter; null where an optional one was not given.</param>
/// <param name="Rest">What *args took.</param>
/// <param name="Named">What **kwargs took.</param>
/// <param name="Context">The rendering.</param>
internal readonly record struct BoundArguments(Value?[] Values, IReadOnlyList<Value> Rest, IReadOnlyList<KeyValuePair<string, Value>> Named, RenderContext Context)
{
    public Budget Budget => Context.Budget;

    public Value this[int index] => Values[index]!;

    public bool Has(int index) => Values[index] is not null;

    /// <summary>The argument unless it is absent or None.</summary>
    public Value? Optional(int index) => Values[index] is null or NoneValue ? null : Values[index];

    public bool Truth(int index, bool otherwise = false) => Values[index]?.IsTrue ?? otherwise;

    public int Int(int index, int otherwise) => Values[index] is { } value ? IntValue.Index(value) : otherwise;

    public BigInteger BigInt(int index) =>
        IntValue.TryGet(Values[index]!, out var number) ? number
            : throw new TemplateException(TemplateErrorKind.Type, $"'{Values[index]!.TypeName}' object cannot be interpreted as an integer");

    /// <summary>A str argument; Python's error for anything else.</summary>
    public string Text(int index, string function) => Values[index] is StrValue text ? text.Text : throw NotText(Values[index]!, function);

    private static TemplateException NotText(Value value, string function) =>
        value is UndefinedValue undefined && function.Length == 0 ? undefined.Error()
            : new TemplateException(TemplateErrorKind.Type, $"{function} argument must be str, not {value.TypeName}");
}
