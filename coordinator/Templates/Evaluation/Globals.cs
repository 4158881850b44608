using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>The functions that every template can call: Jinja's and transformers'.</summary>
internal static class Globals
{
    private static readonly (string Name, FunctionValue Function)[] Functions =
    [
        ("range", new FunctionValue("function", Parameters.Of("range", "/", "start", "stop?", "step?"), MakeRange)),
        ("dict", new FunctionValue("type", Parameters.Of("dict", "/", "entries?", "**"), MakeDict)),
        ("namespace", new FunctionValue("type", Parameters.Of("namespace", "/", "entries?", "**"), MakeNamespace)),
        ("cycler", new FunctionValue("type", Parameters.Of("Cycler.__init__", "*"), MakeCycler)),
        ("joiner", new FunctionValue("type", Parameters.Of("Joiner.__init__", "sep?"), b => new JoinerValue(b.Has(0) ? b[0] : new StrValue(", ")))),
        ("lipsum", new FunctionValue("function", Parameters.Of("generate_lorem_ipsum", "n?", "html?", "min?", "max?"), RefuseRandomText)),
        ("raise_exception", new FunctionValue("function", Parameters.Of("_cached_compile_jinja_template.<locals>.raise_exception", "message"), Raise)),
        ("strftime_now", new FunctionValue("function", Parameters.Of("_cached_compile_jinja_template.<locals>.strftime_now", "format"), TellTime)),
    ];

    public static void Define(Scope scope)
    {
        foreach (var (name, function) in Functions)
        {
            scope.Set(name, function);
        }
    }

    private static RangeValue MakeRange(BoundArguments bound)
    {
        var first = bound.BigInt(0);
        return bound.Has(1) ? RangeValue.Make(first, bound.BigInt(1), bound.Has(2) ? bound.BigInt(2) : 1) : RangeValue.Make(0, first, 1);
    }

    private static DictValue MakeDict(BoundArguments bound)
    {
        var dict = new DictValue(bound.Budget);
        if (bound.Has(0))
        {
            Fill(dict, bound[0], bound.Budget);
        }

        foreach (var (name, value) in bound.Named)
        {
            bound.Budget.AllocateElements(2);
            dict.Set(name, value);
        }

        return dict;
    }

    private static void Fill(DictValue dict, Value entries, Budget budget)
    {
        if (entries is DictValue other)
        {
            budget.AllocateElements(other.Entries.Count * 2L);
            foreach (var (key, value) in other.Entries)
            {
                dict.Set(key, value);
            }

            return;
        }

        var index = 0;
        foreach (var entry in entries.Elements(budget))
        {
            budget.AllocateElements(2);
            budget.Step();
            var pair = entry.Iterate(budget)?.Take(3).ToList()
                ?? throw new TemplateException(TemplateErrorKind.Type, $"cannot convert dictionary update sequence element #{index} to a sequence");
            if (pair.Count != 2)
            {
                throw new TemplateException(
                    TemplateErrorKind.Value, $"dictionary update sequence element #{index} has length {entry.Length ?? pair.Count}; 2 is required");
            }

            dict.Set(pair[0], pair[1]);
            index++;
        }
    }

    private static NamespaceValue MakeNamespace(BoundArguments bound)
    {
        var attributes = MakeDict(bound);
        foreach (var (key, _) in attributes.Entries)
        {
            if (key is StrValue name)
            {
                NamespaceValue.CheckName(name.Text);
            }
        }

        return new NamespaceValue(attributes);
    }

    private static CyclerValue MakeCycler(BoundArguments bound) => bound.Rest.Count > 0 ? new CyclerValue(bound.Rest)
        : throw new TemplateException(TemplateErrorKind.Runtime, "at least one item has to be provided");

    private static Value RefuseRandomText(BoundArguments bound) =>
        throw new TemplateException(TemplateErrorKind.Unsupported, "lipsum makes random text, which a chat template may not: its renderings must repeat");

    private static Value Raise(BoundArguments bound) => throw new TemplateException(TemplateErrorKind.Raised, bound[0].ToText(bound.Budget));

    private static StrValue TellTime(BoundArguments bound)
    {
        var format = bound[0] as StrValue
            ?? throw new TemplateException(TemplateErrorKind.Type, $"strftime() argument 1 must be str, not {bound[0].TypeName}");
        bound.Budget.Allocate(format.Text.Length * 20L);
        return new StrValue(StrfTime.Format(format.Text, bound.Context.Clock));
    }
}
