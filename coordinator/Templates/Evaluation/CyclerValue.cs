using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Jinja's cycler: gives its items in turn. Changes with every call of next.</summary>
internal sealed class CyclerValue(IReadOnlyList<Value> items) : Value
{
    private int _at;

    public override string TypeName => "Cycler";

    public override string ObjectName => "jinja2.utils.Cycler object";

    public override Value? Attribute(string name) => name switch
    {
        "items" => new TupleValue(items),
        "pos" => IntValue.Of(_at),
        "current" => items[_at],
        "next" => new FunctionValue("method", Parameters.Of("Cycler.next"), _ => Next()),
        "reset" => new FunctionValue("method", Parameters.Of("Cycler.reset"), _ => Reset()),
        _ => null,
    };

    public override void Repr(ReprWriter writer) => writer.Write("<jinja2.utils.Cycler object at 0x0>");

    private Value Next()
    {
        var item = items[_at];
        _at = (_at + 1) % items.Count;
        return item;
    }

    private NoneValue Reset()
    {
        _at = 0;
        return NoneValue.Instance;
    }
}
