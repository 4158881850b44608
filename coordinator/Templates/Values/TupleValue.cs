namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's tuple; the pairs of groupby have names too.</summary>
internal sealed class TupleValue(IReadOnlyList<Value> items, bool isGroup = false) : Value
{
    public static TupleValue Empty { get; } = new([]);

    public IReadOnlyList<Value> Items { get; } = items;

    public override string TypeName => isGroup ? "_GroupTuple" : "tuple";

    public override string ObjectName => isGroup ? "jinja2.filters._GroupTuple object" : "tuple object";

    public override bool IsTrue => Items.Count > 0;

    public override int? Length => Items.Count;

    public override IEnumerable<Value> Iterate(Budget budget) => Items;

    public override Value? Item(Value key, Budget budget) => Sequences.Item(Items, key);

    public override Value? Attribute(string name) =>
        isGroup && name is "grouper" ? Items[0] : isGroup && name is "list" ? Items[1] : Methods.SequenceMethods.Find(this, Items, name);

    public override void Repr(ReprWriter writer)
    {
        writer.Write("(");
        writer.WriteList(Items);
        writer.Write(Items.Count == 1 ? ",)" : ")");
    }
}
