using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters that part a sequence or leave repetitions out.</summary>
internal static class GroupingFilters
{
    public static Value Batch(BoundArguments bound) => new GeneratorValue(Batches(bound), "do_batch");

    public static Value Slice(BoundArguments bound) => new GeneratorValue(Slices(bound), "sync_do_slice");

    public static Value Unique(BoundArguments bound) => new GeneratorValue(Uniques(bound), "sync_do_unique");

    public static Value GroupBy(BoundArguments bound)
    {
        var (budget, caseSensitive) = (bound.Budget, bound.Truth(3));
        var getter = AttributePath.Getter(bound[1], bound.Optional(2), bound.Context);
        var fold = AttributePath.CaseFold(caseSensitive, budget);
        var groups = new List<(Value Key, List<Value> Items)>();
        foreach (var item in OrderFilters.Sorted(bound[0].ToList(budget), item => fold(getter(item)), reverse: false, budget))
        {
            var key = fold(getter(item));
            if (groups.Count == 0 || !Comparison.AreEqual(groups[^1].Key, key, budget))
            {
                groups.Add((key, []));
            }

            budget.AllocateElements(1);
            groups[^1].Items.Add(item);
        }

        return new ListValue(groups.ConvertAll(g => (Value)new TupleValue([caseSensitive ? g.Key : getter(g.Items[0]), new ListValue(g.Items)], isGroup: true)));
    }

    private static IEnumerable<Value> Batches(BoundArguments bound)
    {
        var size = IntValue.Index(bound[1]);
        var batch = new List<Value>();
        foreach (var item in bound[0].Elements(bound.Budget))
        {
            if (batch.Count == size)
            {
                yield return new ListValue(batch);
                batch = [];
            }

            bound.Budget.AllocateElements(1);
            batch.Add(item);
        }

        if (batch.Count > 0)
        {
            if (bound.Optional(2) is { } filler && batch.Count < size)
            {
                bound.Budget.AllocateElements(size - batch.Count);
                batch.AddRange(Enumerable.Repeat(filler, size - batch.Count));
            }

            yield return new ListValue(batch);
        }
    }

    private static IEnumerable<Value> Slices(BoundArguments bound)
    {
        var items = bound[0].ToList(bound.Budget);
        var slices = IntValue.Index(bound[1]);
        if (slices == 0)
        {
            throw new TemplateException(TemplateErrorKind.ZeroDivision, "integer division or modulo by zero");
        }

        var (size, extra) = (items.Count / Math.Max(slices, 1), items.Count % Math.Max(slices, 1));
        for (var slice = 0; slice < slices; slice++)
        {
            bound.Budget.AllocateElements(size + 2L);
            var start = (slice * size) + Math.Min(slice, extra);
            var part = items.GetRange(start, size + (slice < extra ? 1 : 0));
            if (bound.Optional(2) is { } filler && slice >= extra)
            {
                part.Add(filler);
            }

            yield return new ListValue(part);
        }
    }

    private static IEnumerable<Value> Uniques(BoundArguments bound)
    {
        var fold = AttributePath.CaseFold(bound.Truth(1), bound.Budget);
        var getter = AttributePath.Getter(bound.Optional(2), null, bound.Context);
        var seen = new HashSet<Value>(bound.Budget.Keys);
        foreach (var item in bound[0].Elements(bound.Budget))
        {
            bound.Budget.AllocateElements(2);
            if (seen.Add(fold(getter(item))))
            {
                yield return item;
            }
        }
    }
}
