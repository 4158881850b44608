using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters that compare elements with Python's &lt;.</summary>
internal static class OrderFilters
{
    public static Value Sort(BoundArguments bound)
    {
        var key = AttributePath.MultiGetter(bound.Optional(3), AttributePath.CaseFold(bound.Truth(2), bound.Budget), bound.Context);
        return new ListValue(Sorted(bound[0].ToList(bound.Budget), key, bound.Truth(1), bound.Budget));
    }

    public static Value DictSort(BoundArguments bound)
    {
        var by = bound.Has(2) ? bound.Text(2, "dictsort") : "key";
        if (by is not ("key" or "value"))
        {
            throw new TemplateException(TemplateErrorKind.Runtime, "You can only sort by either \"key\" or \"value\"");
        }

        var dict = bound[0] switch
        {
            DictValue known => known,
            UndefinedValue undefined => throw undefined.Error(),
            _ => throw new TemplateException(TemplateErrorKind.Attribute, $"'{bound[0].TypeName}' object has no attribute 'items'"),
        };
        var place = by == "key" ? 0 : 1;
        var fold = AttributePath.CaseFold(bound.Truth(1), bound.Budget);
        var pairs = new DictViewValue(dict, DictViewKind.Items).ToList(bound.Budget);
        return new ListValue(Sorted(pairs, pair => fold(((TupleValue)pair).Items[place]), bound.Truth(3), bound.Budget));
    }

    public static Value Extreme(BoundArguments bound, bool isMax)
    {
        var fold = AttributePath.CaseFold(bound.Truth(1), bound.Budget);
        var getter = AttributePath.Getter(bound.Optional(2), null, bound.Context);
        Value? best = null;
        Value? bestKey = null;
        foreach (var item in bound[0].Elements(bound.Budget))
        {
            var key = fold(getter(item));
            if (bestKey is null || Comparison.Holds(isMax ? ComparisonOperator.Greater : ComparisonOperator.Less, key, bestKey, bound.Budget))
            {
                (best, bestKey) = (item, key);
            }
        }

        return best ?? UndefinedValue.Hint("No aggregated item, sequence was empty.");
    }

    /// <summary>Python's sorted: stable, also backwards.</summary>
    public static List<Value> Sorted(List<Value> items, Func<Value, Value> key, bool reverse, Budget budget)
    {
        budget.AllocateElements(items.Count * 2L);
        var keyed = items.ConvertAll(item => (Key: key(item), Item: item));
        if (reverse)
        {
            keyed.Reverse();
        }

        var sorted = MergeSort(keyed, budget);
        if (reverse)
        {
            sorted.Reverse();
        }

        return sorted.ConvertAll(pair => pair.Item);
    }

    private static List<(Value Key, Value Item)> MergeSort(List<(Value Key, Value Item)> items, Budget budget)
    {
        if (items.Count < 2)
        {
            return items;
        }

        var left = MergeSort(items[..(items.Count / 2)], budget);
        var right = MergeSort(items[(items.Count / 2)..], budget);
        var merged = new List<(Value, Value)>(items.Count);
        for (int i = 0, j = 0; i < left.Count || j < right.Count;)
        {
            var takeRight = i == left.Count || (j < right.Count && Comparison.IsLess(right[j].Key, left[i].Key, budget));
            merged.Add(takeRight ? right[j++] : left[i++]);
        }

        return merged;
    }
}
