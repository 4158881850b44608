using System.Numerics;
using System.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary><c>x[start:stop:step]</c>, which goes past the sandbox as in Jinja.</summary>
internal static class Slicing
{
    public static Value Slice(Value target, Value start, Value stop, Value step, Budget budget)
    {
        switch (target)
        {
            case UndefinedValue undefined:
                throw undefined.Error();
            case DictValue:
                throw new TemplateException(TemplateErrorKind.Type, "unhashable type: 'slice'");
            case StrValue text:
                return new StrValue(Text(text, start, stop, step, budget), text.IsSafe);
            case ListValue list:
                return new ListValue(Items(list.Items, start, stop, step, budget));
            case TupleValue tuple:
                return new TupleValue(Items(tuple.Items, start, stop, step, budget));
            case RangeValue range:
                var (from, count, by) = Bounds(range.Length!.Value, start, stop, step);
                return RangeValue.Make(range.Start + (range.Step * from), range.Start + (range.Step * (from + ((BigInteger)count * by))), range.Step * by);
            case BytesValue:
                throw new TemplateException(TemplateErrorKind.Unsupported, "a slice of bytes is not supported here: slice the text before str.encode");
            default:
                throw new TemplateException(TemplateErrorKind.Type, $"'{target.TypeName}' object is not subscriptable");
        }
    }

    /// <summary>Where a slice of a sequence begins, how many elements it has and how they follow.</summary>
    private static (int Start, int Count, int Step) Bounds(int length, Value start, Value stop, Value step)
    {
        var by = step is NoneValue ? 1 : Index(step);
        if (by == 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, "slice step cannot be zero");
        }

        by = Math.Clamp(by, -int.MaxValue, int.MaxValue);
        var lowest = by < 0 ? -1 : 0;
        var highest = by < 0 ? length - 1 : length;
        var from = start is NoneValue ? by < 0 ? highest : lowest : Place(start);
        var to = stop is NoneValue ? by < 0 ? lowest : highest : Place(stop);
        var span = by < 0 ? (long)from - to : (long)to - from;
        return (from, span <= 0 ? 0 : (int)(((span - 1) / Math.Abs((long)by)) + 1), by);

        int Place(Value value)
        {
            long at = Index(value);
            return (int)Math.Clamp(at < 0 ? at + length : at, lowest, highest);
        }
    }

    private static int Index(Value value) => IntValue.TryGet(value, out var number) ? IntValue.Clamp(number)
        : throw new TemplateException(TemplateErrorKind.Type, "slice indices must be integers or None or have an __index__ method");

    private static string Text(StrValue text, Value start, Value stop, Value step, Budget budget)
    {
        var (from, count, by) = Bounds(text.Length!.Value, start, stop, step);
        if (by == 1)
        {
            budget.Allocate(count);
            return text.Part(from, from + count);
        }

        budget.Allocate(count * 2L);
        budget.Step(count);
        var builder = new StringBuilder(count);
        for (var i = 0; i < count; i++)
        {
            var at = text.Start(from + (i * by));
            builder.Append(text.Text, at, Templates.Text.Characters.Width(text.Text, at));
        }

        return builder.ToString();
    }

    private static List<Value> Items(IReadOnlyList<Value> items, Value start, Value stop, Value step, Budget budget)
    {
        var (from, count, by) = Bounds(items.Count, start, stop, step);
        budget.AllocateElements(count);
        var slice = new List<Value>(count);
        for (var i = 0; i < count; i++)
        {
            slice.Add(items[from + (i * by)]);
        }

        return slice;
    }
}
