using System.Numerics;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>str's methods that look for a text.</summary>
internal static class StringSearch
{
    public static Value Split(StrValue self, BoundArguments bound, bool fromEnd)
    {
        var budget = bound.Budget;
        var limit = bound.Int(1, -1);
        budget.Allocate(self.Text.Length);
        if (bound.Optional(0) is null)
        {
            budget.AllocateElements(self.Text.Length >> 3);
            return ToList(fromEnd ? Splitting.WordsFromEnd(self.Text, limit) : Splitting.Words(self.Text, limit), self);
        }

        if (bound[0] is not StrValue separator)
        {
            throw new TemplateException(TemplateErrorKind.Type, $"must be str or None, not {bound[0].TypeName}");
        }

        if (separator.Text.Length == 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, "empty separator");
        }

        return ToList(fromEnd ? Splitting.AtFromEnd(self.Text, separator.Text, limit, budget) : Splitting.At(self.Text, separator.Text, limit, budget), self);
    }

    public static Value Partition(StrValue self, BoundArguments bound, bool fromEnd)
    {
        var separator = bound.Text(0, "partition()");
        if (separator.Length == 0)
        {
            throw new TemplateException(TemplateErrorKind.Value, "empty separator");
        }

        bound.Budget.Allocate(self.Text.Length);
        var at = fromEnd ? TextSearch.FindLast(self.Text, separator, self.Text.Length, bound.Budget) : TextSearch.Find(self.Text, separator, 0, bound.Budget);
        string[] parts = at >= 0 ? [self.Text[..at], separator, self.Text[(at + separator.Length)..]] : fromEnd ? ["", "", self.Text] : [self.Text, "", ""];
        return new TupleValue([.. parts.Select(p => (Value)new StrValue(p, self.IsSafe))]);
    }

    public static Value HasAffix(StrValue self, BoundArguments bound, bool atEnd)
    {
        var window = Window(self, bound);
        IReadOnlyList<Value> affixes = bound[0] is TupleValue tuple ? tuple.Items : [bound[0]];
        foreach (var affix in affixes)
        {
            var text = affix as StrValue
                ?? throw new TemplateException(TemplateErrorKind.Type, $"{(atEnd ? "endswith" : "startswith")} first arg must be str or a tuple of str, not {affix.TypeName}");
            bound.Budget.Step(1 + (text.Text.Length >> 8));
            if (window is var (start, end) && (atEnd ? self.Text.AsSpan(start, end - start).EndsWith(text.Text) : self.Text.AsSpan(start, end - start).StartsWith(text.Text)))
            {
                return BoolValue.True;
            }
        }

        return BoolValue.False;
    }

    public static Value Find(StrValue self, BoundArguments bound, bool fromEnd, bool mustFind)
    {
        var needle = Needle(bound);
        var at = -1;
        if (Window(self, bound) is var (start, end))
        {
            at = fromEnd ? TextSearch.FindLast(self.Text[start..end], needle, end - start, bound.Budget) : TextSearch.Find(self.Text[start..end], needle, 0, bound.Budget);
            at = at < 0 ? at : at + start;
        }

        if (at < 0 && mustFind)
        {
            throw new TemplateException(TemplateErrorKind.Value, "substring not found");
        }

        return IntValue.Of(at < 0 ? -1 : Characters.Count(self.Text.AsSpan(0, at)));
    }

    public static Value Count(StrValue self, BoundArguments bound)
    {
        var needle = Needle(bound);
        if (Window(self, bound) is not var (start, end))
        {
            return IntValue.Of(0);
        }

        var text = self.Text[start..end];
        if (needle.Length == 0)
        {
            return IntValue.Of(Characters.Count(text) + 1);
        }

        var count = 0;
        for (var at = TextSearch.Find(text, needle, 0, bound.Budget); at >= 0; at = TextSearch.Find(text, needle, at + needle.Length, bound.Budget))
        {
            count++;
        }

        return IntValue.Of(count);
    }

    private static string Needle(BoundArguments bound) =>
        bound[0] is StrValue text ? text.Text : throw new TemplateException(TemplateErrorKind.Type, $"must be str, not {bound[0].TypeName}");

    /// <summary>The UTF-16 range of the start and end arguments; null where it is not even an empty one.</summary>
    private static (int Start, int End)? Window(StrValue self, BoundArguments bound)
    {
        var length = self.Length!.Value;
        var start = Place(1, 0);
        var end = Math.Min(Place(2, length), length);
        return start > end ? null : (self.Start(start), self.Start(end));

        int Place(int argument, int otherwise)
        {
            if (bound.Optional(argument) is not { } value)
            {
                return otherwise;
            }

            if (!IntValue.TryGet(value, out var number))
            {
                throw new TemplateException(TemplateErrorKind.Type, "slice indices must be integers or None or have an __index__ method");
            }

            return (int)BigInteger.Min(int.MaxValue, BigInteger.Max(0, number.Sign < 0 ? number + length : number));
        }
    }

    private static ListValue ToList(List<string> parts, StrValue source) => new(parts.ConvertAll(part => (Value)new StrValue(part, source.IsSafe)));
}
