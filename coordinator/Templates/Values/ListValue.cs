namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's list; the sandbox lets no template change it.</summary>
internal sealed class ListValue(IReadOnlyList<Value> items) : Value
{
    public IReadOnlyList<Value> Items { get; } = items;

    public override string TypeName => "list";

    public override bool IsTrue => Items.Count > 0;

    public override int? Length => Items.Count;

    public override IEnumerable<Value> Iterate(Budget budget) => Items;

    public override Value? Item(Value key, Budget budget) => Sequences.Item(Items, key);

    public override Value? Attribute(string name) => Methods.SequenceMethods.Find(this, Items, name);

    public override void Repr(ReprWriter writer)
    {
        writer.Write("[");
        writer.WriteList(Items);
        writer.Write("]");
    }
}
