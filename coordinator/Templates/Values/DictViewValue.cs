namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>What keys(), values() and items() of a dict give.</summary>
internal sealed class DictViewValue(DictValue dict, DictViewKind kind) : Value
{
    public override string TypeName => kind switch
    {
        DictViewKind.Keys => "dict_keys",
        DictViewKind.Values => "dict_values",
        _ => "dict_items",
    };

    public DictValue Dict => dict;

    public DictViewKind Kind => kind;

    public override bool IsTrue => dict.IsTrue;

    public override int? Length => dict.Length;

    public override IEnumerable<Value> Iterate(Budget budget) => dict.Entries.Select(entry => kind switch
    {
        DictViewKind.Keys => entry.Key,
        DictViewKind.Values => entry.Value,
        _ => (Value)new TupleValue([entry.Key, entry.Value]),
    });

    public override void Repr(ReprWriter writer)
    {
        writer.Write(TypeName + "([");
        writer.WriteList(Iterate(writer.Budget));
        writer.Write("])");
    }
}
