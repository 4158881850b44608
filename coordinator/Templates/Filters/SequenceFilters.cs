using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters that look at a sequence as a whole.</summary>
internal static class SequenceFilters
{
    public static TemplateException NoLength(Value value) => new(TemplateErrorKind.Type, $"object of type '{value.TypeName}' has no len()");

    public static Value Length(BoundArguments bound) => IntValue.Of(bound[0].Length ?? throw NoLength(bound[0]));

    public static Value First(BoundArguments bound) => bound[0].Elements(bound.Budget).FirstOrDefault() ?? UndefinedValue.Hint("No first item, sequence was empty.");

    public static Value Last(BoundArguments bound)
    {
        return bound[0] switch
        {
            StrValue { Text: "" } => Empty(),
            StrValue text => text.Item(IntValue.Of(-1), bound.Budget)!,
            UndefinedValue => Empty(),
            var value => (Reversed(value, bound.Budget) ?? throw new TemplateException(TemplateErrorKind.Type, $"'{value.TypeName}' object is not reversible")).FirstOrDefault() ?? Empty(),
        };

        static UndefinedValue Empty() => UndefinedValue.Hint("No last item, sequence was empty.");
    }

    public static Value Items(BoundArguments bound) => new GeneratorValue(Pairs(bound), "do_items");

    public static Value Join(BoundArguments bound)
    {
        var context = bound.Context;
        var items = bound[0].Elements(bound.Budget);
        if (bound.Optional(2) is { } attribute)
        {
            var getter = AttributePath.Getter(attribute, null, context);
            items = items.Select(getter);
        }

        Value separator = bound.Has(1) ? bound[1] : StrValue.Empty;
        var parts = new List<StrValue>();
        foreach (var item in items)
        {
            context.Budget.AllocateElements(1);
            context.Budget.Step();
            parts.Add(item as StrValue ?? new StrValue(item.ToText(context.Budget)));
        }

        if (context.Autoescape && (separator is StrValue { IsSafe: true } || parts.Exists(p => p.IsSafe)))
        {
            return Joined(Html.Escape(separator, context.Budget), parts.ConvertAll(p => Html.Escape(p, context.Budget)), isSafe: true, context.Budget);
        }

        return Joined(separator as StrValue ?? new StrValue(separator.ToText(context.Budget)), parts, isSafe: false, context.Budget);
    }

    /// <summary>All parts with the separator between them; generation marks are kept.</summary>
    public static StrValue Joined(StrValue separator, List<StrValue> parts, bool isSafe, Budget budget)
    {
        var all = new List<StrValue>(parts.Count * 2);
        foreach (var part in parts)
        {
            if (all.Count > 0 && separator.Text.Length > 0)
            {
                all.Add(separator);
            }

            all.Add(part);
        }

        return Arithmetic.Join(all, isSafe, budget);
    }

    public static Value Reverse(BoundArguments bound)
    {
        if (bound[0] is StrValue text)
        {
            return Slicing.Slice(text, NoneValue.Instance, NoneValue.Instance, IntValue.Of(-1), bound.Budget);
        }

        if (Reversed(bound[0], bound.Budget) is { } reversed)
        {
            return new GeneratorValue(reversed, "", ReversedName(bound[0]));
        }

        if (bound[0].Iterate(bound.Budget) is null)
        {
            throw new TemplateException(TemplateErrorKind.Runtime, "argument must be iterable");
        }

        var list = bound[0].ToList(bound.Budget);
        list.Reverse();
        return new ListValue(list);
    }

    public static Value Sum(BoundArguments bound)
    {
        var total = bound.Has(2) ? bound[2] : IntValue.Of(0);
        var items = bound[0].Elements(bound.Budget);
        if (bound.Optional(1) is { } attribute)
        {
            items = items.Select(AttributePath.Getter(attribute, null, bound.Context));
        }

        if (total is StrValue)
        {
            throw new TemplateException(TemplateErrorKind.Type, "sum() can't sum strings [use ''.join(seq) instead]");
        }

        foreach (var item in items)
        {
            bound.Budget.Step();
            total = Arithmetic.Apply(BinaryOperator.Add, total, item, bound.Context);
        }

        return total;
    }

    /// <summary>An item that is the same in every rendering: no chat may depend on chance.</summary>
    public static Value Random(BoundArguments bound)
    {
        if (bound[0].Length is not { } length)
        {
            throw NoLength(bound[0]);
        }

        var draw = bound.Context.Draws++;
        return length == 0 ? UndefinedValue.Hint("No random item, sequence was empty.")
            : Sandbox.Item(bound[0], IntValue.Of((int)((draw * 2654435761L) % length)), bound.Budget);
    }

    private static string ReversedName(Value value) => value switch
    {
        ListValue => "list_reverseiterator",
        RangeValue => "range_iterator",
        DictValue => "dict_reversekeyiterator",
        DictViewValue { Kind: DictViewKind.Keys } => "dict_reversekeyiterator",
        DictViewValue { Kind: DictViewKind.Values } => "dict_reversevalueiterator",
        DictViewValue => "dict_reverseitemiterator",
        _ => "reversed",
    };

    /// <summary>The elements from the end, where Python can walk them backwards.</summary>
    private static IEnumerable<Value>? Reversed(Value value, Budget budget) => value switch
    {
        ListValue list => Backwards(list.Items, budget),
        TupleValue tuple => Backwards(tuple.Items, budget),
        RangeValue range => Enumerable.Range(1, range.Length!.Value).Select(i => range.At(range.Length!.Value - i)),
        UndefinedValue => [],
        DictValue dict => Backwards(dict.ToList(budget), budget),
        DictViewValue view => Backwards(view.ToList(budget), budget),
        _ => null,
    };

    private static IEnumerable<Value> Pairs(BoundArguments bound)
    {
        if (bound[0] is UndefinedValue)
        {
            yield break;
        }

        if (bound[0] is not DictValue dict)
        {
            throw new TemplateException(TemplateErrorKind.Type, "Can only get item pairs from a mapping.");
        }

        foreach (var pair in new DictViewValue(dict, DictViewKind.Items).Iterate(bound.Budget))
        {
            bound.Budget.Step();
            yield return pair;
        }
    }

    private static IEnumerable<Value> Backwards(IReadOnlyList<Value> items, Budget budget)
    {
        for (var i = items.Count - 1; i >= 0; i--)
        {
            budget.Step();
            yield return items[i];
        }
    }
}
