using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Filters;

/// <summary>Filters that apply attributes, other filters and tests to elements; lazy, as Jinja's are.</summary>
internal static class SelectionFilters
{
    public static Value Default(BoundArguments bound) =>
        bound[0] is UndefinedValue || (bound.Truth(2) && !bound[0].IsTrue) ? bound.Has(1) ? bound[1] : StrValue.Empty : bound[0];

    public static Value Attribute(BoundArguments bound)
    {
        var name = bound.Text(1, "attribute name");
        return Sandbox.PlainAttribute(bound[0], name) ?? UndefinedValue.Member(bound[0], bound[1], bound.Budget);
    }

    public static Value Map(BoundArguments bound) => new GeneratorValue(Mapped(bound), "sync_do_map");

    public static Value Select(BoundArguments bound, bool keep, bool byAttribute) => new GeneratorValue(Selected(bound, keep, byAttribute), "select_or_reject");

    private static IEnumerable<Value> Mapped(BoundArguments bound)
    {
        if (!bound[0].IsTrue)
        {
            yield break;
        }

        var map = Mapping(bound);
        foreach (var item in bound[0].Elements(bound.Budget))
        {
            bound.Budget.Step();
            yield return map(item);
        }
    }

    private static Func<Value, Value> Mapping(BoundArguments bound)
    {
        var context = bound.Context;
        if (bound.Rest.Count == 0 && Named(bound, "attribute") is { } attribute)
        {
            foreach (var (unexpected, _) in bound.Named.Where(n => n.Key is not ("attribute" or "default")))
            {
                throw new TemplateException(TemplateErrorKind.Runtime, $"Unexpected keyword argument {StrValue.Quote(unexpected)}");
            }

            return AttributePath.Getter(attribute, Named(bound, "default") is { } given and not NoneValue ? given : null, context);
        }

        if (bound.Rest.Count == 0)
        {
            throw new TemplateException(TemplateErrorKind.Runtime, "map requires a filter argument");
        }

        var filter = Lookup(bound.Rest[0], FilterTable.Find, "filter");
        return item => filter.Apply(new Arguments([item, .. bound.Rest.Skip(1)], bound.Named), context);
    }

    private static IEnumerable<Value> Selected(BoundArguments bound, bool keep, bool byAttribute)
    {
        if (!bound[0].IsTrue)
        {
            yield break;
        }

        if (byAttribute && bound.Rest.Count == 0)
        {
            throw new TemplateException(TemplateErrorKind.Runtime, "Missing parameter for attribute name");
        }

        Func<Value, Value> part = byAttribute ? AttributePath.Getter(bound.Rest[0], null, bound.Context) : item => item;
        var rest = bound.Rest.Skip(byAttribute ? 1 : 0).ToList();
        var test = rest.Count > 0 ? Lookup(rest[0], TestTable.Find, "test") : null;
        foreach (var item in bound[0].Elements(bound.Budget))
        {
            bound.Budget.Step();
            var value = part(item);
            var holds = test is null ? value.IsTrue : test.Apply(new Arguments([value, .. rest.Skip(1)], bound.Named), bound.Context).IsTrue;
            if (holds == keep)
            {
                yield return item;
            }
        }
    }

    private static Filter Lookup(Value name, Func<string, Filter?> find, string what) =>
        (name is StrValue text ? find(text.Text) : null)
            ?? throw new TemplateException(TemplateErrorKind.Runtime, $"No {what} named {(name is StrValue known ? StrValue.Quote(known.Text) : name.TypeName)}.");

    private static Value? Named(BoundArguments bound, string name) => bound.Named.FirstOrDefault(n => n.Key == name).Value;
}
