using System.Runtime.CompilerServices;
using Orchestrator.Coordinator.Templates.Evaluation;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Hash and equality of dictionary keys: 1, 1.0 and True are one key.</summary>
internal sealed class KeyComparer(Budget budget) : IEqualityComparer<Value>
{
    /// <summary>How deep and wide a tuple's hash looks; equality decides about the rest.</summary>
    private const int HashedItems = 8;

    public bool Equals(Value? x, Value? y) => ReferenceEquals(x, y) || (x is not null && y is not null && Comparison.AreEqual(x, y, budget));

    public int GetHashCode(Value obj) => Hash(obj, HashedItems);

    public static bool IsHashable(Value value) => value switch
    {
        ListValue or DictValue or DictViewValue => false,
        TupleValue tuple => tuple.Items.All(IsHashableItem),
        _ => true,
    };

    /// <summary>Items of tuples are looked at with the stack in mind: data can nest as deep as its budget.</summary>
    private static bool IsHashableItem(Value value)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return IsHashable(value);
    }

    private int Hash(Value value, int depth)
    {
        switch (value)
        {
            case StrValue text:
                budget.Step(text.Text.Length >> 6);
                return text.Text.GetHashCode(StringComparison.Ordinal);
            case FloatValue number:
                return Math.Truncate(number.Number) == number.Number && Math.Abs(number.Number) < long.MaxValue / 2 ? ((long)number.Number).GetHashCode() : number.Number.GetHashCode();
            case TupleValue tuple:
                var hash = tuple.Items.Count;
                foreach (var item in tuple.Items.Take(depth))
                {
                    hash = HashCode.Combine(hash, Hash(item, depth / 2));
                }

                return hash;
            case ListValue or DictValue or DictViewValue:
                throw new TemplateException(TemplateErrorKind.Type, $"unhashable type: '{value.TypeName}'");
            case NoneValue or UndefinedValue:
                return value.TypeName.Length;
            case RangeValue range:
                return range.Length!.Value;
            case BytesValue bytes:
                return bytes.Bytes.Length;
            default:
                return IntValue.TryGet(value, out var integer)
                    ? integer >= long.MinValue && integer <= long.MaxValue ? ((long)integer).GetHashCode() : integer.GetHashCode()
                    : RuntimeHelpers.GetHashCode(value);
        }
    }
}
